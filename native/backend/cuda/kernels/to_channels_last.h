// Images from planes to pixels: the caller's [N, C, H, W] f32 to the engine's [N, H, W, C].
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct ToChannelsLastArgs {
  const float* x = nullptr;  // [N, C, pixels]
  void* y = nullptr;         // [N, pixels, C] dtype
  DType dtype = DType::f32;
  std::int64_t images = 0, channels = 0, pixels = 0;
};
void to_channels_last_forward(Stream stream, const ToChannelsLastArgs& args);

}  // namespace gyrus::backend::cuda
