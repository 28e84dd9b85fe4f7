// The momentum encoder's moving average (math/ema.h) over a flat range of the arenas.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "backend/hyper.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct EmaUpdateArgs {
  float* ema = nullptr;
  const float* parameters = nullptr;
  bf16_t* ema_bf16 = nullptr;  // where the new average also goes; may be null
  std::int64_t count = 0;
  const Hyper* hyper = nullptr;  // device
};
void ema_update(Stream stream, const EmaUpdateArgs& args);

}  // namespace gyrus::backend::cuda
