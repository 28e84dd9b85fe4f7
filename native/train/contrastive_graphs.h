// The graphs of a step, whatever the method: in one piece, or over micro-batches with the loss of the whole batch.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "train/method.h"
#include "train/session_options.h"

namespace gyrus::train {

struct LossNames {
  std::vector<std::string> losses, hits;  // outputs, each [1] f32
};

// A step in one piece. Inputs x1, x2 [N, C, H, W] f32. Outputs: the losses (differentiable one by one), their hits, and
// the first and the last embedding, [N, D] f32, under their names.
struct StepGraph {
  graph::Graph graph;
  LossNames names;
};
StepGraph step_graph(const Method& method, const ContrastiveOptions& options);

// Gradient caching (Gao et al., arXiv:2101.06983). With N = K M images a step is
//   rehearse    K times: the embeddings of M images; no activation is kept. The momentum update is part of the first.
//   contrast    once: losses of all N, and their gradients with respect to the trained embeddings
//   accumulate  K times: M images forward again, and backward from their rows of those gradients
// which is the step in one piece as far as the layers treat images one by one. Batch norms see M images, as they would
// on K devices without synchronisation; that is the whole difference.
struct EmbeddingType {
  std::string name;
  bool is_trained = true;
};
struct MicroGraphs {
  std::vector<EmbeddingType> embeddings;
  // x1, x2 [M, C, H, W] f32 -> every embedding, [M, D] f32, under its name.
  graph::Graph rehearse;
  // Every embedding, [N, D] f32 -> losses and hits.
  graph::Graph contrast;
  LossNames names;
  // x1, x2, then [M, D] f32 gradients for the trained embeddings, under gradient_name -> the trained embeddings.
  graph::Graph accumulate;
};
MicroGraphs micro_graphs(const Method& method, const ContrastiveOptions& options);

// What the gradient with respect to an embedding is called: an output of `contrast`, an input of `accumulate`.
std::string gradient_name(const std::string& embedding);

}  // namespace gyrus::train
