// A class token before each sequence of patches, and positions added; and the gradient. T counts the class token.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct EmbedTokensArgs {
  const void* patches = nullptr;               // [N, T-1, D] dtype
  const float *cls = nullptr, *pos = nullptr;  // [D], [T, D]
  float* y = nullptr;                          // [N, T, D]: row 0 = cls + pos[0], row t = patch t-1 + pos[t]
  DType dtype = DType::f32;
  std::int64_t images = 0, tokens = 0, width = 0;
};
void embed_tokens_forward(Stream stream, const EmbedTokensArgs& args);

struct EmbedTokensBackwardArgs {
  const void* dy = nullptr;                // [N, T, D] dtype
  void* dpatches = nullptr;                // [N, T-1, D] dtype
  float *dcls = nullptr, *dpos = nullptr;  // [D], [T, D]
  void* scratch = nullptr;
  DType dtype = DType::f32;
  std::int64_t images = 0, tokens = 0, width = 0;
};
std::int64_t embed_tokens_backward_scratch_bytes(const EmbedTokensBackwardArgs& args);
void embed_tokens_backward(Stream stream, const EmbedTokensBackwardArgs& args);

}  // namespace gyrus::backend::cuda
