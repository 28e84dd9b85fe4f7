// Lowers activations to the compute dtype. The shape rules carry the dtype from the graph's entry to its losses: ops
// that must stay f32 (statistics, residual streams of tokens, normalised embeddings, logits, losses, parameter
// gradients) say so in their own infer(). layer_norm reads such a stream into a branch of the compute dtype.
#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {

Graph precision(const Graph& graph, DType compute) {
  GYRUS_CHECK(compute == DType::f32 || compute == DType::bf16, Code::dtype, "activations can be f32 or bf16, not ",
              name_of(compute));
  Rewriter rewriter(graph);
  for (const graph::Node& node : graph.nodes()) {
    if (node.kind == graph::OpKind::to_channels_last) {
      rewriter.copy_with(node, graph::CastAttrs{compute});
    } else if (node.kind == graph::OpKind::layer_norm) {
      auto attrs = std::get<graph::LayerNormAttrs>(node.attrs);
      attrs.dtype = compute;
      rewriter.copy_with(node, attrs);
    } else {
      rewriter.copy(node);
    }
  }
  return rewriter.finish();
}

}  // namespace gyrus::passes
