// Moves select_token up through the operations that work on each token alone. A ViT's feature is one token of the last
// block, so that block's projection and MLP are then computed for one token an image instead of 197: the same numbers
// for 6 % less work in ViT-S. It stops at attention, which mixes tokens.
#include <algorithm>
#include <vector>

#include "graph/ops.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {
namespace {

using graph::Node;
using graph::NodeId;
using graph::OpKind;
using graph::TokenAttrs;

bool is_token_wise(OpKind kind) {
  return kind == OpKind::add || kind == OpKind::linear || kind == OpKind::layer_norm || kind == OpKind::gelu ||
         kind == OpKind::scale_rows;
}

bool is_tokens(const graph::Value& value) { return value.producer.is_valid() && value.shape().rank() == 3; }

// For each value: the token to which all its readers look, or -1.
std::vector<std::int64_t> find_only_token(const Graph& graph, const Uses& uses) {
  std::vector<std::int64_t> only(graph.values().size(), -1);
  const auto token_of_reader = [&](const Node& reader) -> std::int64_t {
    if (reader.kind == OpKind::select_token) return std::get<TokenAttrs>(reader.attrs).index;
    return is_token_wise(reader.kind) ? only[static_cast<std::size_t>(reader.outputs[0].index)] : -1;
  };
  for (std::size_t v = graph.values().size(); v-- > 0;) {
    const graph::Value& value = graph.values()[v];
    const auto& readers = uses.readers[v];
    if (!is_tokens(value) || value.output_index != 0 || uses.is_kept[v] || readers.empty()) continue;
    const Node& producer = graph.node(value.producer);
    if (!is_token_wise(producer.kind)) continue;
    const bool has_other_readers =
        std::any_of(producer.outputs.begin() + 1, producer.outputs.end(), [&](ValueId output) {
          const auto o = static_cast<std::size_t>(output.index);
          return uses.is_kept[o] || !uses.readers[o].empty();
        });
    const std::int64_t token = token_of_reader(graph.node(readers[0]));
    const bool all_agree = std::all_of(readers.begin(), readers.end(),
                                       [&](NodeId id) { return token_of_reader(graph.node(id)) == token; });
    if (token >= 0 && all_agree && !has_other_readers) only[v] = token;
  }
  return only;
}

}  // namespace

Graph prune_tokens(const Graph& graph) {
  const Uses uses(graph);
  const std::vector<std::int64_t> only = find_only_token(graph, uses);
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    const std::int64_t token = only[static_cast<std::size_t>(node.outputs.empty() ? 0 : node.outputs[0].index)];
    const bool selects_pruned =
        node.kind == OpKind::select_token && only[static_cast<std::size_t>(node.inputs[0].index)] >= 0;
    if (selects_pruned) {
      rewriter.map(node.outputs[0], rewriter.mapped(node.inputs[0]));
    } else if (node.outputs.empty() || token < 0) {
      rewriter.copy(node);
    } else {
      std::vector<ValueId> inputs;
      for (const ValueId input : node.inputs) {
        ValueId now = rewriter.mapped(input);
        if (is_tokens(graph.value(input)) && only[static_cast<std::size_t>(input.index)] < 0) {
          const NodeId selected = rewriter.add(OpKind::select_token, TokenAttrs{token, graph.value(input).shape()[1]},
                                               {now}, node.name + "/token");
          now = rewriter.graph().output(selected);
        }
        inputs.push_back(now);
      }
      const NodeId added = rewriter.add(node.kind, node.attrs, std::move(inputs), node.name);
      for (std::size_t k = 0; k < node.outputs.size(); ++k) {
        rewriter.map(node.outputs[k], rewriter.graph().output(added, static_cast<int>(k)));
      }
    }
  }
  return rewriter.finish();
}

}  // namespace gyrus::passes
