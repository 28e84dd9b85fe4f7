// Rows scaled to length one, and the gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct L2NormalizeArgs {
  const void* x = nullptr;                  // [rows, D] dtype
  float *y = nullptr, *inv_norm = nullptr;  // [rows, D] = x inv_norm, [rows] = 1 / max(|x|, eps); y may be x of f32
  DType dtype = DType::f32;
  std::int64_t rows = 0, width = 0;
  float eps = 1e-12F;
};
void l2_normalize_forward(Stream stream, const L2NormalizeArgs& args);

struct L2NormalizeBackwardArgs {
  const float *dy = nullptr, *y = nullptr, *inv_norm = nullptr;
  void* dx = nullptr;  // [rows, D] dtype = inv_norm (dy - y (y . dy)); may be dy or y if dtype is f32
  DType dtype = DType::f32;
  std::int64_t rows = 0, width = 0;
};
void l2_normalize_backward(Stream stream, const L2NormalizeBackwardArgs& args);

}  // namespace gyrus::backend::cuda
