// SGD with momentum (math/sgd.h): one fused sweep over the arenas.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "backend/cuda/kernels/sweep.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct SgdUpdateArgs {
  SweepArgs sweep;  // slot0: the momentum buffer, null without momentum
  float momentum = 0.9F, dampening = 0;
  bool is_nesterov = false;
};
void sgd_update(Stream stream, const SgdUpdateArgs& args);

}  // namespace gyrus::backend::cuda
