// Sums the gradients of micro-batches.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "backend/hyper.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

// By hyper's part of the step: the first sets the accumulator to the gradients, those between add to it, and the last
// adds it to the gradients. Nothing happens in a whole step, nor when hyper's may_update is 0.
struct GradientAccumulateArgs {
  float *gradients = nullptr, *accumulator = nullptr;
  std::int64_t count = 0;
  const Hyper* hyper = nullptr;  // device
};
void gradient_accumulate(Stream stream, const GradientAccumulateArgs& args);

}  // namespace gyrus::backend::cuda
