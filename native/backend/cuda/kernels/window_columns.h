// The windows of a convolution laid out as rows of a matrix, so that a matrix product computes it. Position k of a row
// is (ky, kx, channel), row-major, for k < KH KW C; what follows up to `width` is zero.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct WindowGeometry {
  std::int64_t images = 0, height = 0, width = 0, channels = 0;  // x [N, H, W, C]
  std::int64_t out_height = 0, out_width = 0;
  std::int64_t kernel_height = 0, kernel_width = 0, stride = 1, padding = 0;
  std::int64_t row_width = 0;  // elements of a row, at least KH KW C
};

struct WindowColumnsArgs {
  const void* x = nullptr;  // [N, H, W, C] dtype
  void* columns = nullptr;  // [N OH OW, row_width] dtype
  DType dtype = DType::f32;
  WindowGeometry geometry;
};
void window_columns_forward(Stream stream, const WindowColumnsArgs& args);

struct WindowColumnsBackwardArgs {
  const void* columns = nullptr;  // [N OH OW, row_width] dtype
  void* dx = nullptr;             // [N, H, W, C] dtype: each pixel the sum of its places in the windows
  DType dtype = DType::f32;
  WindowGeometry geometry;
};
void window_columns_backward(Stream stream, const WindowColumnsBackwardArgs& args);

// Convolution weights in the same order: masters [Co, C, KH KW] f32 <-> rows [Co, row_width].
struct WeightRowsArgs {
  const float* masters = nullptr;
  void* rows = nullptr;  // dtype
  DType dtype = DType::f32;
  std::int64_t out_channels = 0, channels = 0, window = 0, row_width = 0;
};
void weight_rows_forward(Stream stream, const WeightRowsArgs& args);

struct WeightRowsBackwardArgs {
  const float* rows = nullptr;
  float* masters = nullptr;
  std::int64_t out_channels = 0, channels = 0, window = 0, row_width = 0;
};
void weight_rows_backward(Stream stream, const WeightRowsBackwardArgs& args);

}  // namespace gyrus::backend::cuda
