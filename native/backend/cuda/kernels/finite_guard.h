// Stops a step whose losses are not finite: the optimizers read what it leaves and then change nothing.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "backend/hyper.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

inline constexpr int kMostLosses = 16;

struct FiniteGuardArgs {
  const float* losses[kMostLosses] = {};  // [1] each
  int count = 0;
  Hyper* hyper = nullptr;  // device; may_update becomes 1 if all losses are finite, else 0
};
void finite_guard(Stream stream, const FiniteGuardArgs& args);

}  // namespace gyrus::backend::cuda
