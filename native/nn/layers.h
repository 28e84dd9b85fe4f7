// The layers that the models are made of. Each is a plain description with two readings: declare() lists its parameters
// and buffers, apply() writes its nodes; so the two can never disagree on a name or a shape.
#pragma once

#include <cstdint>
#include <string>

#include "graph/parameter_spec.h"
#include "nn/scope.h"

namespace gyrus::nn {

// How a weight starts; biases start as each layer says.
struct Init {
  graph::InitKind kind = graph::InitKind::constant;
  float scale = 0;
};
Init constant_init(float value);
Init uniform_init(double bound);     // U(-bound, bound)
Init normal_init(double deviation);  // N(0, deviation^2)

// Square kernel. Bias, if any, starts at 0.
struct Conv2d {
  std::string name;
  std::int64_t in = 0, out = 0;
  int kernel = 1, stride = 1, padding = 0;
  bool has_bias = false;
  bool is_trainable = true;
  Init weight_init;
};

struct Linear {
  std::string name;
  std::int64_t in = 0, out = 0;
  bool has_bias = false;
  Init weight_init;
  Init bias_init{};  // 0 unless given
};

// Over every axis but the last. beta starts at 0, running_mean at 0, running_var at 1.
struct BatchNorm {
  std::string name;
  std::int64_t channels = 0;
  bool has_affine = true;
  float gamma = 1;  // start value
  float eps = 1e-5F, momentum = 0.1F;
};

// Over the last axis. gamma starts at 1, beta at 0.
struct LayerNorm {
  std::string name;
  std::int64_t width = 0;
  float eps = 1e-6F;
};

void declare(graph::ParameterSpecs& specs, const Conv2d& layer);
void declare(graph::ParameterSpecs& specs, const Linear& layer);
void declare(graph::ParameterSpecs& specs, const BatchNorm& layer);
void declare(graph::ParameterSpecs& specs, const LayerNorm& layer);

// x [N, H, W, in] -> [N, OH, OW, out]
graph::ValueId apply(Scope& scope, graph::ValueId x, const Conv2d& layer);
// x [..., in] -> [..., out]
graph::ValueId apply(Scope& scope, graph::ValueId x, const Linear& layer);
// x [..., channels] -> the same shape
graph::ValueId apply(Scope& scope, graph::ValueId x, const BatchNorm& layer);
// x [..., width] -> the same shape
graph::ValueId apply(Scope& scope, graph::ValueId x, const LayerNorm& layer);

}  // namespace gyrus::nn
