// Lowers activations to the compute dtype. The shape rules carry the dtype from the graph's entry to its losses: ops
// that must stay f32 (statistics, residual streams of tokens, normalised embeddings, logits, losses, parameter
// gradients) say so in their own infer(). layer_norm reads such a stream into a branch of the compute dtype, or, where
// nothing but f32 is made of it, as of a ViT's features, into f32.
#include <algorithm>

#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {
namespace {

bool is_cast_to_f32(const graph::Node& node) {
  return node.kind == graph::OpKind::cast && std::get<graph::CastAttrs>(node.attrs).dtype == DType::f32;
}

// Whether all that read y would take it back to f32.
bool is_read_as_f32(const Graph& graph, const Uses& uses, ValueId y) {
  const auto& readers = uses.readers[static_cast<std::size_t>(y.index)];
  return !readers.empty() &&
         std::ranges::all_of(readers, [&](graph::NodeId reader) { return is_cast_to_f32(graph.node(reader)); });
}

}  // namespace

Graph precision(const Graph& graph, DType compute) {
  GYRUS_CHECK(compute == DType::f32 || compute == DType::bf16, Code::dtype, "activations can be f32 or bf16, not ",
              name_of(compute));
  const Uses uses(graph);
  Rewriter rewriter(graph);
  for (const graph::Node& node : graph.nodes()) {
    if (node.kind == graph::OpKind::to_channels_last) {
      rewriter.copy_with(node, graph::CastAttrs{compute});
    } else if (node.kind == graph::OpKind::layer_norm) {
      auto attrs = std::get<graph::LayerNormAttrs>(node.attrs);
      const DType stream = rewriter.graph().value(rewriter.mapped(node.inputs[0])).dtype();
      attrs.dtype = stream == DType::f32 && is_read_as_f32(graph, uses, node.outputs[0]) ? DType::f32 : compute;
      rewriter.copy_with(node, attrs);
    } else {
      rewriter.copy(node);
    }
  }
  return rewriter.finish();
}

}  // namespace gyrus::passes
