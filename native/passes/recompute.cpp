// A ViT keeps two large values of every MLP for its backward pass: what goes into the GELU, which the GELU's own
// gradient needs, and what comes out of it, which the next layer's weight gradient needs. The second follows from the
// first at the price of one sweep, so it is computed again where it is needed instead of kept: 19 MB a block of ViT-S
// at batch 16, a tenth of the step's memory, for less than 1 % of its time. In f32 only, where the second computation
// gives the same bits: in bf16 the kernels take the GELU of sums that were never rounded.
#include <variant>

#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {
namespace {

using graph::Node;
using graph::NodeId;
using graph::OpKind;

bool is_linear_gelu(const Node& node) {
  return node.kind == OpKind::linear && std::get<graph::LinearAttrs>(node.attrs).activation == graph::Activation::gelu;
}

}  // namespace

Graph recompute(const Graph& graph, int* count) {
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    const ValueId x = node.inputs.empty() ? ValueId{} : node.inputs[0];
    const NodeId producer = x.is_valid() ? graph.value(x).producer : NodeId{};
    const bool is_recomputed = node.kind == OpKind::linear_grad_weight && producer.is_valid() &&
                               is_linear_gelu(graph.node(producer)) && graph.value(x).output_index == 0 &&
                               graph.value(x).dtype() == DType::f32;
    if (!is_recomputed) {
      rewriter.copy(node);
      continue;
    }
    const Node& forward = graph.node(producer);
    const NodeId again = rewriter.add(OpKind::gelu, graph::NoAttrs{}, {rewriter.mapped(forward.outputs[1])},
                                      forward.name + ".recomputed");
    std::vector<ValueId> inputs = rewriter.mapped(node.inputs);
    inputs[0] = rewriter.graph().output(again);
    const NodeId added = rewriter.add(node.kind, node.attrs, std::move(inputs), node.name);
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      rewriter.map(node.outputs[k], rewriter.graph().output(added, static_cast<int>(k)));
    }
    if (count != nullptr) ++*count;
  }
  return rewriter.finish();
}

}  // namespace gyrus::passes
