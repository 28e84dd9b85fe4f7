// Layer normalisation, fused with the sum that feeds it; and its gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct LayerNormArgs {
  const void *x = nullptr, *residual = nullptr;   // [rows, D]; residual null: y = ln(x), else y = ln(x + residual)
  const float *gamma = nullptr, *beta = nullptr;  // [D]
  void* y = nullptr;                              // [rows, D]; may be x if their types are the same
  float *mean = nullptr, *inv_std = nullptr;      // [rows]
  void* sum = nullptr;                            // [rows, D] x + residual in residual_dtype; may be the residual
  DType x_dtype = DType::f32, residual_dtype = DType::f32, y_dtype = DType::f32;
  std::int64_t rows = 0, width = 0;
  float eps = 1e-6F;
};
void layer_norm_forward(Stream stream, const LayerNormArgs& args);

struct LayerNormBackwardArgs {
  const void* dy = nullptr;                         // [rows, D] dtype
  const void *x = nullptr, *addend = nullptr;       // [rows, D] x_dtype: what was normalised; addend may be null
  const float* gamma = nullptr;                     // [D]
  const float *mean = nullptr, *inv_std = nullptr;  // [rows]
  void* dx = nullptr;                               // [rows, D] x_dtype; may be addend, or dy of that type
  void* rounded = nullptr;                          // [rows, D] dtype: dx once more; may be null, may be dy
  float *dgamma = nullptr, *dbeta = nullptr;        // [D]
  void* scratch = nullptr;
  DType dtype = DType::f32, x_dtype = DType::f32;
  std::int64_t rows = 0, width = 0;
};
std::int64_t layer_norm_backward_scratch_bytes(const LayerNormBackwardArgs& args);
void layer_norm_backward(Stream stream, const LayerNormBackwardArgs& args);

}  // namespace gyrus::backend::cuda
