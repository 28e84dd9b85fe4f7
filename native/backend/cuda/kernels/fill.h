// One number everywhere.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct FillArgs {
  float* y = nullptr;
  float value = 0;
  std::int64_t count = 0;
};
void fill_forward(Stream stream, const FillArgs& args);

}  // namespace gyrus::backend::cuda
