// Batch normalisation with the running statistics, fused with a residual and a relu.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct BatchNormInferenceArgs {
  const void *x = nullptr, *residual = nullptr;                 // [rows, C] dtype; residual may be null
  const float *gamma = nullptr, *beta = nullptr;                // [C], or both null: 1 and 0
  const float *running_mean = nullptr, *running_var = nullptr;  // [C]
  void* y = nullptr;                                            // [rows, C] dtype; may be x or residual
  DType dtype = DType::f32;
  std::int64_t rows = 0, channels = 0;
  float eps = 1e-5F;
  bool has_relu = false;
};
void batch_norm_inference_forward(Stream stream, const BatchNormInferenceArgs& args);

}  // namespace gyrus::backend::cuda
