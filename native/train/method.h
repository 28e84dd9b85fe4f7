// A method of contrastive pretraining: what is trained, how two views become embeddings, and which losses these have.
// One file a method: moco_step.cpp, simclr_step.cpp. contrastive_graphs.cpp makes the programs of a step of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/parameter_spec.h"
#include "nn/encoder.h"
#include "nn/scope.h"
#include "train/session_options.h"

namespace gyrus::train {

// What a program wants of the networks.
//   step       all embeddings; running statistics move
//   rehearsal  all embeddings; of the trained networks the statistics stay, because the backward pass moves them
//   backward   the embeddings that are trained; statistics move
enum class Pass : std::uint8_t { step, rehearsal, backward };

// Two views of the same images, [N, H, W, C].
struct Views {
  graph::ValueId x1, x2;
};

// [N, D] f32 of length 1. Those that are trained carry gradients.
struct Embedding {
  std::string name;
  graph::ValueId value;
  bool is_trained = true;
};

// Each [1] f32. The loss of a step is the sum of all, its hits their mean.
struct Losses {
  std::vector<graph::ValueId> losses, hits;
};

class Method {
 public:
  Method() = default;
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;
  virtual ~Method() = default;

  virtual std::string_view name() const = 0;
  virtual bool has_momentum_encoder() const = 0;
  // base_encoder.* always; the other networks are the method's own.
  virtual graph::ParameterSpecs parameters(const ContrastiveOptions& options) const = 0;
  // The first and the last embedding are of different views: the two sides of what `health` looks at.
  virtual std::vector<Embedding> embed(graph::Graph& graph, const Views& views, const ContrastiveOptions& options,
                                       Pass pass) const = 0;
  // Takes the embeddings in the order of embed().
  virtual Losses contrast(graph::Graph& graph, const std::vector<Embedding>& embeddings,
                          const ContrastiveOptions& options) const = 0;
};

// "mocov3" or "simclr"; Code::name otherwise.
const Method& find_method(std::string_view name);

// "fc" for ResNets, "head" for ViTs: where the projector stands in the checkpoints (science.md B12).
std::string projector_name(const nn::EncoderOptions& encoder);
// Scopes of the base encoder and of the networks behind it; `prefix` is "base_encoder." or "predictor.".
nn::Scope trained_scope(graph::Graph& graph, const std::string& view, const std::string& prefix, Pass pass);
// encoder, then projector, [N, projector_out].
graph::ValueId project(nn::Scope scope, graph::ValueId x, const nn::EncoderOptions& encoder,
                       const nn::MlpOptions& projector);
// base_encoder.*: the encoder and its projector.
graph::ParameterSpecs base_parameters(const nn::EncoderOptions& encoder, const nn::MlpOptions& projector);

inline constexpr float kL2Eps = 1e-12F;

}  // namespace gyrus::train
