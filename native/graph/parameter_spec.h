// What a model says of each of its parameters and buffers: enough for the store to place it, for nn/init to fill it and
// for the optimizers to treat it. Names are torchvision's or timm's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/shape.h"

namespace gyrus::graph {

enum class InitKind : std::uint8_t {
  constant,    // every element = scale
  uniform,     // U(-scale, scale)
  normal,      // N(0, scale^2)
  sin_cos_2d,  // fixed position embedding [1, 1+gh*gw, D], class row zero (science.md B8); gw is grid_width
};

struct ParameterSpec {
  std::string name;
  Shape shape;
  InitKind init = InitKind::constant;
  float scale = 0;
  std::int64_t grid_width = 0;   // sin_cos_2d only: patches in a row of the image
  bool is_buffer = false;        // running statistics: no gradient, no optimizer
  bool is_trainable = true;      // false: kept and saved, never updated (fixed positions, frozen patch projection)
  bool has_ema = false;          // the momentum encoder keeps an averaged copy
  bool has_weight_decay = true;  // set by the trainer from its optimizer's rule
  float lr_scale = 1;            // set by the trainer: layer-wise decay of the learning rate
  bool has_lars_adaptation() const { return shape.rank() > 1; }
};

using ParameterSpecs = std::vector<ParameterSpec>;

}  // namespace gyrus::graph
