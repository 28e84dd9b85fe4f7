// Sums the gradients of micro-batches.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct GradientAccumulateArgs {
  const float* gradients = nullptr;
  float* total = nullptr;
  std::int64_t count = 0;
  bool is_first = false;  // total is overwritten, not added to
};
void gradient_accumulate(Stream stream, const GradientAccumulateArgs& args);

}  // namespace gyrus::backend::cuda
