// The passes, in the order in which a trainer applies them:
//   precision -> prune_tokens -> fuse_forward -> autodiff -> fuse_gradients -> recompute -> simplify -> schedule
// Each is a pure function Graph -> Graph and is tested for "it fired". Fusing the forward patterns before autodiff
// makes one pattern serve both directions: the gradient rule of a fused op is the fused gradient (docs/decisions.md).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace gyrus::passes {

using graph::Graph;
using graph::ValueId;

// Rewrites every activation to `compute` (f32 or bf16). Parameters, statistics, parameter gradients, normalised
// embeddings, logits and losses stay f32 by the ops' own shape rules.
Graph precision(const Graph& graph, DType compute);

// Moves select_token up through token-wise operations, so that work on tokens that nobody reads is never done.
Graph prune_tokens(const Graph& graph);

// batch_norm -> relu, batch_norm -> add -> relu, linear -> gelu, add -> layer_norm.
struct FuseCounts {
  int batch_norm_relu = 0, linear_gelu = 0, add_layer_norm = 0, gradient_add = 0;
};
Graph fuse_forward(const Graph& graph, FuseCounts* counts = nullptr);

// Appends the gradients of each loss with respect to `parameters` (names of role parameter). Losses are taken in order;
// the second one's parameter gradients are added to the first one's. Every parameter's total is marked as a gradient.
// `inputs`: inputs of the graph whose gradients are wanted too; they become outputs called "<name>.grad".
// A parameter that no loss depends on is an error (Code::not_differentiable), as is an op without a gradient rule on a
// path.
struct Target {
  ValueId value;                // a loss [1], or an activation with a seed
  std::optional<ValueId> seed;  // gradient of the objective with respect to `value`; missing: 1
};
Graph autodiff(const Graph& graph, std::span<const Target> targets, std::span<const std::string> parameters,
               std::span<const std::string> inputs = {});

// Sums of two gradients folded into the batch_norm_grad that reads them.
Graph fuse_gradients(const Graph& graph, FuseCounts* counts = nullptr);

// GELUs of an f32 MLP are computed again for the backward pass instead of kept. `count`: how many.
Graph recompute(const Graph& graph, int* count = nullptr);

// Drops nodes that reach no output, gradient or mutation; merges equal nodes.
Graph simplify(const Graph& graph);

// Orders nodes so that each loss's backward pass runs as early as its inputs allow, and little is alive at a time.
Graph schedule(const Graph& graph);

}  // namespace gyrus::passes
