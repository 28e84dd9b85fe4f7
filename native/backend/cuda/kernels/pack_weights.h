// Convolution weights from the f32 masters to channels last, and their gradients back. (Linear weights: cast.)
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct PackWeightsArgs {
  const float* masters = nullptr;  // [Co, Ci, window]; window: KH KW
  void* packed = nullptr;          // [Co, window, Ci] dtype
  DType dtype = DType::bf16;
  std::int64_t out_channels = 0, in_channels = 0, window = 0;
};
void pack_weights(Stream stream, const PackWeightsArgs& args);

struct UnpackWeightsArgs {
  const void* packed = nullptr;  // [Co, window, Ci] dtype
  float* masters = nullptr;      // [Co, Ci, window]
  DType dtype = DType::f32;
  std::int64_t out_channels = 0, in_channels = 0, window = 0;
};
void unpack_weights(Stream stream, const UnpackWeightsArgs& args);

}  // namespace gyrus::backend::cuda
