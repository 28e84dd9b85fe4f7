// linear -> gelu becomes one linear with the outputs (gelu(pre), pre): the activation is applied while the tile is hot,
// and `pre` is what the backward pass reads.
#include "passes/fuse/patterns.h"

namespace gyrus::passes {

using graph::Node;
using graph::NodeId;
using graph::OpKind;

std::optional<Fusion> match_linear_gelu(const Graph& graph, const Uses& uses, NodeId id) {
  const Node& gelu = graph.node(id);
  if (gelu.kind != OpKind::gelu) return std::nullopt;
  const ValueId pre = gelu.inputs[0];
  const NodeId producer = graph.value(pre).producer;
  if (!producer.is_valid() || graph.node(producer).kind != OpKind::linear || uses.only_reader(pre) != id)
    return std::nullopt;
  const Node& linear = graph.node(producer);
  if (std::get<graph::LinearAttrs>(linear.attrs).activation != graph::Activation::none) return std::nullopt;
  return Fusion{OpKind::linear, graph::LinearAttrs{graph::Activation::gelu},
                linear.inputs,  {gelu.outputs[0], pre},
                linear.name,    {producer}};
}

}  // namespace gyrus::passes
