// Dead code, casts to the dtype that is there already, and common subexpressions.
#include <vector>

#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {
namespace {

std::vector<bool> find_live_nodes(const Graph& graph) {
  const Uses uses(graph);
  std::vector<bool> is_live(graph.nodes().size(), false);
  for (std::size_t n = graph.nodes().size(); n-- > 0;) {
    const graph::Node& node = graph.nodes()[n];
    bool live = is_mutating(node);
    for (const ValueId output : node.outputs) {
      const auto v = static_cast<std::size_t>(output.index);
      live = live || uses.is_kept[v];
      for (const graph::NodeId reader : uses.readers[v]) live = live || is_live[static_cast<std::size_t>(reader.index)];
    }
    is_live[n] = live;
  }
  return is_live;
}

bool is_equal(const graph::Node& a, const graph::Node& b, const Rewriter& rewriter) {
  return a.kind == b.kind && a.attrs == b.attrs && rewriter.mapped(a.inputs) == rewriter.mapped(b.inputs);
}

// A cast that changes nothing and whose result is an ordinary activation. (As a gradient it is a copy into the arena.)
bool is_idle_cast(const Graph& graph, const graph::Node& node) {
  if (node.kind != graph::OpKind::cast) return false;
  const graph::Value &from = graph.value(node.inputs[0]), &to = graph.value(node.outputs[0]);
  return from.dtype() == to.dtype() && from.role == graph::Role::activation && to.role == graph::Role::activation;
}

}  // namespace

Graph simplify(const Graph& graph) {
  const std::vector<bool> is_live = find_live_nodes(graph);
  const Uses uses(graph);
  Rewriter rewriter(graph);
  std::vector<std::vector<const graph::Node*>> by_kind(graph::kOpKindCount);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    if (!is_live[n]) continue;
    const graph::Node& node = graph.nodes()[n];
    if (is_idle_cast(graph, node)) {
      rewriter.map(node.outputs[0], rewriter.mapped(node.inputs[0]));
      continue;
    }
    auto& candidates = by_kind[static_cast<std::size_t>(node.kind)];
    bool is_kept = is_mutating(node);
    for (const ValueId output : node.outputs) is_kept = is_kept || uses.is_kept[static_cast<std::size_t>(output.index)];
    const graph::Node* twin = nullptr;
    if (!is_kept) {
      for (const graph::Node* candidate : candidates) {
        if (is_equal(node, *candidate, rewriter)) twin = candidate;
      }
    }
    if (twin == nullptr) {
      rewriter.copy(node);
      if (!is_mutating(node)) candidates.push_back(&node);
      continue;
    }
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      rewriter.map(node.outputs[k], rewriter.mapped(twin->outputs[k]));
    }
  }
  return rewriter.finish();
}

}  // namespace gyrus::passes
