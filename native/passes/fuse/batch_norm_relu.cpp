// batch_norm -> relu and batch_norm -> add -> relu become one batch_norm that reads its input once more instead of
// thrice. The fused node stands where the relu stood, so that everything it reads is ready.
#include "passes/fuse/patterns.h"

namespace gyrus::passes {

using graph::BatchNormAttrs;
using graph::Node;
using graph::NodeId;
using graph::OpKind;

namespace {

bool is_plain_batch_norm(const Graph& graph, NodeId id) {
  if (!id.is_valid()) return false;
  const Node& node = graph.node(id);
  if (node.kind != OpKind::batch_norm && node.kind != OpKind::batch_norm_inference) return false;
  const auto& attrs = std::get<BatchNormAttrs>(node.attrs);
  return !attrs.has_relu && !attrs.has_residual;
}

}  // namespace

std::optional<Fusion> match_batch_norm_relu(const Graph& graph, const Uses& uses, NodeId id) {
  const Node& relu = graph.node(id);
  if (relu.kind != OpKind::relu) return std::nullopt;
  const ValueId x = relu.inputs[0];
  NodeId norm = graph.value(x).producer;
  if (!norm.is_valid() || uses.only_reader(x) != id) return std::nullopt;
  std::vector<NodeId> absorbed{norm};
  ValueId residual;
  if (graph.node(norm).kind == OpKind::add) {
    const NodeId sum = norm;
    for (std::size_t side = 0; side < 2 && !residual.is_valid(); ++side) {
      const ValueId term = graph.node(sum).inputs[side];
      const NodeId producer = graph.value(term).producer;
      if (!is_plain_batch_norm(graph, producer) || graph.output(producer) != term || uses.only_reader(term) != sum)
        continue;
      norm = producer;
      residual = graph.node(sum).inputs[1 - side];
    }
    if (!residual.is_valid()) return std::nullopt;
    absorbed.push_back(norm);
  }
  if (!is_plain_batch_norm(graph, norm) || (!residual.is_valid() && graph.output(norm) != x)) return std::nullopt;
  const Node& node = graph.node(norm);
  auto attrs = std::get<BatchNormAttrs>(node.attrs);
  attrs.has_relu = true;
  attrs.has_residual = residual.is_valid();
  std::vector<ValueId> inputs = node.inputs;
  if (residual.is_valid()) inputs.push_back(residual);
  std::vector<ValueId> outputs = node.outputs;
  outputs[0] = relu.outputs[0];
  return Fusion{node.kind, attrs, std::move(inputs), std::move(outputs), node.name, std::move(absorbed)};
}

}  // namespace gyrus::passes
