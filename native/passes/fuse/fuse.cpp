// Applies fusion patterns: finds all matches first, then rebuilds the graph with each match as one node.
#include <map>
#include <set>

#include "passes/fuse/patterns.h"

namespace gyrus::passes {
namespace {

using graph::NodeId;
using Pattern = std::optional<Fusion> (*)(const Graph&, const Uses&, NodeId);

struct CountedPattern {
  Pattern match;
  int* count;
};

Graph apply(const Graph& graph, std::span<const CountedPattern> patterns) {
  const Uses uses(graph);
  std::map<NodeId, Fusion> fusions;  // keyed by the node in whose place the fused one stands
  std::set<NodeId> taken;
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const NodeId id{static_cast<std::int32_t>(n)};
    for (const CountedPattern& pattern : patterns) {
      if (taken.contains(id)) break;
      std::optional<Fusion> fusion = pattern.match(graph, uses, id);
      if (!fusion) continue;
      bool is_free = true;
      for (const NodeId absorbed : fusion->absorbed) is_free = is_free && !taken.contains(absorbed);
      if (!is_free) continue;
      taken.insert(id);
      taken.insert(fusion->absorbed.begin(), fusion->absorbed.end());
      fusions.emplace(id, std::move(*fusion));
      *pattern.count += 1;
    }
  }

  Rewriter rewriter(graph);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const NodeId id{static_cast<std::int32_t>(n)};
    if (const auto found = fusions.find(id); found != fusions.end()) {
      const Fusion& fusion = found->second;
      const NodeId added = rewriter.add(fusion.kind, fusion.attrs, rewriter.mapped(fusion.inputs), fusion.name);
      const graph::Graph& now = rewriter.graph();
      for (std::size_t k = 0; k < fusion.outputs.size(); ++k) {
        if (fusion.outputs[k].is_valid()) rewriter.map(fusion.outputs[k], now.output(added, static_cast<int>(k)));
      }
    } else if (!taken.contains(id)) {
      rewriter.copy(graph.nodes()[n]);
    }
  }
  return rewriter.finish();
}

}  // namespace

Graph fuse_forward(const Graph& graph, FuseCounts* counts) {
  FuseCounts ignored;
  FuseCounts& fired = counts != nullptr ? *counts : ignored;
  const CountedPattern patterns[] = {{match_batch_norm_relu, &fired.batch_norm_relu},
                                     {match_linear_gelu, &fired.linear_gelu},
                                     {match_add_layer_norm, &fired.add_layer_norm}};
  return apply(graph, patterns);
}

Graph fuse_gradients(const Graph& graph, FuseCounts* counts) {
  FuseCounts ignored;
  FuseCounts& fired = counts != nullptr ? *counts : ignored;
  const CountedPattern patterns[] = {{match_gradient_add, &fired.gradient_add}};
  return apply(graph, patterns);
}

}  // namespace gyrus::passes
