// Where a model function writes its nodes: which graph, under which names, with which copy of the parameters, and
// whether batch norm uses batch statistics.
#pragma once

#include <string>

#include "graph/graph.h"

namespace gyrus::nn {

// rehearsal: as training, but running statistics stay as they are.
enum class Mode : std::uint8_t { training, rehearsal, inference };

struct Scope {
  graph::Graph& graph;
  std::string parameter_prefix{};                       // "" or "base_encoder.": names in the store start with it
  std::string activation_prefix{};                      // "" or "view1/": names of nodes start with it
  graph::Role parameter_role = graph::Role::parameter;  // ema: read the momentum encoder's copies
  std::string buffer_prefix{};  // running statistics' names start with it ("momentum_encoder." has its own)
  Mode mode = Mode::training;
  // [R, N] f32, by which a ViT scales its R = residual_branches() branches, image by image: stochastic depth. Invalid:
  // they count as they are.
  graph::ValueId branch_factors{};

  // The source of that name, added to the graph on first use. Frozen parameters have no momentum copy, so they are read
  // with role parameter in either case.
  graph::ValueId parameter(const std::string& name, const Shape& shape, bool is_trainable = true);
  graph::ValueId buffer(const std::string& name, const Shape& shape);
  std::string activation(const std::string& name) const { return activation_prefix + name; }
};

}  // namespace gyrus::nn
