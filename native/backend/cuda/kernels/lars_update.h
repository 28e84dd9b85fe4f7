// LARS in both variants (math/lars.h): the norms of every tensor, then one fused sweep over the arenas.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "backend/cuda/kernels/sweep.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct LarsUpdateArgs {
  SweepArgs sweep;  // slot0: the momentum buffer
  bool is_solo_learn = false;
  float momentum = 0.9F, trust = 0.001F;
  float eps = 1e-8F;  // solo-learn's only
  bool clips = true;  // solo-learn's only
};
std::int64_t lars_update_scratch_bytes(const LarsUpdateArgs& args);
void lars_update(Stream stream, const LarsUpdateArgs& args);

}  // namespace gyrus::backend::cuda
