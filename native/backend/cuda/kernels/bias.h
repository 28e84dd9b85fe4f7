// A bias added to every row, in place.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct BiasArgs {
  void* y = nullptr;            // [rows, channels] dtype
  const float* bias = nullptr;  // [channels]
  DType dtype = DType::f32;
  std::int64_t rows = 0, channels = 0;
};
void bias_forward(Stream stream, const BiasArgs& args);

}  // namespace gyrus::backend::cuda
