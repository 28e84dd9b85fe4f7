// AdamW (math/adamw.h): one fused sweep over the arenas.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "backend/cuda/kernels/sweep.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct AdamwUpdateArgs {
  SweepArgs sweep;  // slot0: first moment, slot1: second moment
  float beta1 = 0.9F, beta2 = 0.999F, eps = 1e-8F;
};
void adamw_update(Stream stream, const AdamwUpdateArgs& args);

}  // namespace gyrus::backend::cuda
