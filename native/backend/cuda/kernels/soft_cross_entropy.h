// Cross-entropy of softmax over rows of logits with targets of their own, summed over the rows, and the gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct SoftCrossEntropyArgs {
  const float *logits = nullptr, *targets = nullptr;  // [rows, classes]
  float* probabilities = nullptr;                     // [rows, classes]; may be logits
  float* loss = nullptr;                              // [1]
  void* scratch = nullptr;
  std::int64_t rows = 0, classes = 0;
};
std::int64_t soft_cross_entropy_scratch_bytes(const SoftCrossEntropyArgs& args);
void soft_cross_entropy_forward(Stream stream, const SoftCrossEntropyArgs& args);

struct SoftCrossEntropyBackwardArgs {
  const float* dloss = nullptr;                              // [1]
  const float *probabilities = nullptr, *targets = nullptr;  // [rows, classes]
  float* dlogits = nullptr;                                  // [rows, classes]; may be probabilities
  std::int64_t rows = 0, classes = 0;
};
void soft_cross_entropy_backward(Stream stream, const SoftCrossEntropyBackwardArgs& args);

}  // namespace gyrus::backend::cuda
