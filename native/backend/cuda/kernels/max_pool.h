// The largest pixel of each window, and the gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct MaxPoolGeometry {
  std::int64_t images = 0, height = 0, width = 0, channels = 0;  // x [N, H, W, C]
  std::int64_t out_height = 0, out_width = 0;                    // y [N, OH, OW, C]
  int kernel = 3, stride = 2, padding = 1;                       // kernel <= 16
};

struct MaxPoolArgs {
  const void* x = nullptr;
  void* y = nullptr;
  // [N, OH, OW, C]: the position in the window, row-major; the first maximum wins, a NaN wins over numbers.
  std::uint8_t* index = nullptr;
  DType dtype = DType::f32;
  MaxPoolGeometry geometry;
};
void max_pool_forward(Stream stream, const MaxPoolArgs& args);

struct MaxPoolBackwardArgs {
  const void* dy = nullptr;
  const std::uint8_t* index = nullptr;
  void* dx = nullptr;  // written whole; not dy
  DType dtype = DType::f32;
  MaxPoolGeometry geometry;
};
void max_pool_backward(Stream stream, const MaxPoolBackwardArgs& args);

}  // namespace gyrus::backend::cuda
