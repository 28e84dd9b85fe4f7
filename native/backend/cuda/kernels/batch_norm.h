// Batch normalisation with the statistics of the batch, fused with a residual and a relu; and its gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct BatchNormArgs {
  const void *x = nullptr, *residual = nullptr;           // [rows, C] dtype; residual may be null
  const float *gamma = nullptr, *beta = nullptr;          // [C], or both null: 1 and 0
  float *running_mean = nullptr, *running_var = nullptr;  // [C], updated; or both null
  void* y = nullptr;                                      // [rows, C] dtype; may be x or residual
  float *mean = nullptr, *inv_std = nullptr;              // [C]
  void* scratch = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0, channels = 0;  // rows >= 2
  float eps = 1e-5F, momentum = 0.1F;
  bool has_relu = false;
};
std::int64_t batch_norm_scratch_bytes(const BatchNormArgs& args);
void batch_norm_forward(Stream stream, const BatchNormArgs& args);
// Its two halves, for whoever has one of them from elsewhere: the first writes mean, inv_std and the running statistics
// (and no y), the second reads mean and inv_std and writes y (and needs no scratch).
void batch_norm_statistics(Stream stream, const BatchNormArgs& args);
void batch_norm_apply(Stream stream, const BatchNormArgs& args);

struct BatchNormBackwardArgs {
  const void *dy = nullptr, *addend = nullptr;      // [rows, C] dtype; addend may be null
  const void *x = nullptr, *y = nullptr;            // [rows, C] dtype; y where a relu followed, else null
  const float* gamma = nullptr;                     // [C], or null: 1
  const float *mean = nullptr, *inv_std = nullptr;  // [C]
  void* dx = nullptr;                               // [rows, C] dtype; may be dy, addend, x or y
  float *dgamma = nullptr, *dbeta = nullptr;        // [C], or both null
  void* d_residual = nullptr;                       // [rows, C] dtype, or null; may be dy, addend or y, not dx
  void* scratch = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0, channels = 0;
};
std::int64_t batch_norm_backward_scratch_bytes(const BatchNormBackwardArgs& args);
void batch_norm_backward(Stream stream, const BatchNormBackwardArgs& args);

}  // namespace gyrus::backend::cuda
