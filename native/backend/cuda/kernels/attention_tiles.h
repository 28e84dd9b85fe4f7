// Attention in bf16 on tensor cores, without a table of probabilities: of each row only the logarithm of the softmax's
// sum is kept, as cuDNN keeps it, and the gradient computes the probabilities again.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"

namespace gyrus::backend::cuda {

// Whether there is a kernel for heads of that width: multiples of 16 up to 64.
bool has_attention_tiles(std::int64_t head_dim);

struct AttentionTilesArgs {
  const void* qkv = nullptr;  // [N, T, 3D] bf16, packed [Q | K | V]; D = heads head_dim
  void* y = nullptr;          // [N, T, D] bf16
  float* stats = nullptr;     // [N, heads, T]: the logarithm of the sum over k of exp(scale q k)
  std::int64_t images = 0, tokens = 0, heads = 0, head_dim = 0;
};
void attention_tiles_forward(Stream stream, const AttentionTilesArgs& args);

struct AttentionTilesBackwardArgs {
  const void *dy = nullptr, *qkv = nullptr, *y = nullptr;  // as above
  const float* stats = nullptr;
  void* dqkv = nullptr;  // [N, T, 3D] bf16; not qkv
  void* scratch = nullptr;
  std::int64_t images = 0, tokens = 0, heads = 0, head_dim = 0;
};
std::int64_t attention_tiles_backward_scratch_bytes(const AttentionTilesBackwardArgs& args);
void attention_tiles_backward(Stream stream, const AttentionTilesBackwardArgs& args);

}  // namespace gyrus::backend::cuda
