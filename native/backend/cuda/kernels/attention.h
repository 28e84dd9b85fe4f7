// Attention and its gradient in f32 arithmetic: any number of tokens, heads of up to kMostHeadDim.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

inline constexpr int kMostHeadDim = 256;

struct AttentionArgs {
  const void* qkv = nullptr;      // [N, T, 3D] dtype, packed [Q | K | V]; D = heads head_dim
  void* y = nullptr;              // [N, T, D] dtype
  void* probabilities = nullptr;  // [N, heads, T, T] dtype
  DType dtype = DType::f32;
  std::int64_t images = 0, tokens = 0, heads = 0, head_dim = 0;
};
void attention_forward(Stream stream, const AttentionArgs& args);

struct AttentionBackwardArgs {
  const void *dy = nullptr, *qkv = nullptr, *probabilities = nullptr;  // as above
  void* dqkv = nullptr;                                                // [N, T, 3D] dtype; not qkv
  void* scratch = nullptr;
  DType dtype = DType::f32;
  std::int64_t images = 0, tokens = 0, heads = 0, head_dim = 0;
};
std::int64_t attention_backward_scratch_bytes(const AttentionBackwardArgs& args);
void attention_backward(Stream stream, const AttentionBackwardArgs& args);

}  // namespace gyrus::backend::cuda
