// The mean of all pixels, and the gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct GlobalAvgPoolArgs {
  const void* x = nullptr;  // [N, pixels, C] dtype
  void* y = nullptr;        // [N, C] dtype
  DType dtype = DType::f32;
  std::int64_t images = 0, pixels = 0, channels = 0;
};
void global_avg_pool_forward(Stream stream, const GlobalAvgPoolArgs& args);

struct GlobalAvgPoolBackwardArgs {
  const void* dy = nullptr;  // [N, C] dtype
  void* dx = nullptr;        // [N, pixels, C] dtype
  DType dtype = DType::f32;
  std::int64_t images = 0, pixels = 0, channels = 0;
};
void global_avg_pool_backward(Stream stream, const GlobalAvgPoolBackwardArgs& args);

}  // namespace gyrus::backend::cuda
