// A sum of two gradients that only a batch_norm_grad reads is read as two summands instead: ResNet's block outputs get
// one gradient from the next block's first convolution and one from its shortcut.
#include "passes/fuse/patterns.h"

namespace gyrus::passes {

using graph::BatchNormAttrs;
using graph::Node;
using graph::NodeId;
using graph::OpKind;

std::optional<Fusion> match_gradient_add(const Graph& graph, const Uses& uses, NodeId id) {
  const Node& node = graph.node(id);
  if (node.kind != OpKind::batch_norm_grad) return std::nullopt;
  auto attrs = std::get<BatchNormAttrs>(node.attrs);
  const ValueId dy = node.inputs[0];
  const NodeId producer = graph.value(dy).producer;
  if (attrs.has_addend || !producer.is_valid() || graph.node(producer).kind != OpKind::add) return std::nullopt;
  if (uses.only_reader(dy) != id) return std::nullopt;
  const Node& sum = graph.node(producer);
  attrs.has_addend = true;
  std::vector<ValueId> inputs{sum.inputs[0], sum.inputs[1]};
  inputs.insert(inputs.end(), node.inputs.begin() + 1, node.inputs.end());
  return Fusion{OpKind::batch_norm_grad, attrs, std::move(inputs), node.outputs, node.name, {producer}};
}

}  // namespace gyrus::passes
