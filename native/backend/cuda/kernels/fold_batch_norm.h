// A batch norm with known statistics as weights and a bias of the convolution before it:
//   scale = gamma / sqrt(var + eps);  weights scale, and beta - mean scale.
// Both are computed in f32 and rounded once, as the weights would be without the norm.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct FoldWeightsArgs {
  const float* masters = nullptr;                // [Co, Ci, window]; window: KH KW
  const float *gamma = nullptr, *var = nullptr;  // [Co]; gamma may be null: 1
  void* packed = nullptr;                        // [Co, window, Ci] dtype
  DType dtype = DType::bf16;
  std::int64_t out_channels = 0, in_channels = 0, window = 0;
  float eps = 1e-5F;
};
void fold_weights(Stream stream, const FoldWeightsArgs& args);

struct FoldBiasArgs {
  const float *gamma = nullptr, *beta = nullptr, *mean = nullptr, *var = nullptr;  // [C]; gamma, beta may be null
  void* bias = nullptr;                                                            // [C] dtype
  DType dtype = DType::bf16;
  std::int64_t channels = 0;
  float eps = 1e-5F;
};
void fold_bias(Stream stream, const FoldBiasArgs& args);

}  // namespace gyrus::backend::cuda
