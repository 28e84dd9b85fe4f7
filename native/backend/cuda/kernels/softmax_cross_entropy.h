// Mean cross-entropy of softmax over rows of logits, the share of rows whose label has the largest logit, the gradient.
//
// Labels are i32 [rows]; where they are null, row i's is (i + diagonal_offset) modulo classes. A label that is no class
// cannot throw here: its row's loss and gradients are NaN, so that the finite guard stops the step. Callers that have
// the labels at hand check them beforehand.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct CrossEntropyTerms {
  std::int64_t rows = 0, classes = 0, diagonal_offset = 0;
  float logit_scale = 1, loss_scale = 1, label_smoothing = 0;
  bool excludes_self = false;  // row i has no class i: as if its logit were -infinity. Then without smoothing.
};

struct SoftmaxCrossEntropyArgs {
  const float* logits = nullptr;           // [rows, classes]
  const std::int32_t* labels = nullptr;    // [rows] or null
  float* probabilities = nullptr;          // [rows, classes]; may be logits
  float *loss = nullptr, *hits = nullptr;  // [1]
  void* scratch = nullptr;
  CrossEntropyTerms terms;
};
std::int64_t softmax_cross_entropy_scratch_bytes(const SoftmaxCrossEntropyArgs& args);
void softmax_cross_entropy_forward(Stream stream, const SoftmaxCrossEntropyArgs& args);

struct SoftmaxCrossEntropyBackwardArgs {
  const float* dloss = nullptr;          // [1]
  const float* probabilities = nullptr;  // [rows, classes]
  const std::int32_t* labels = nullptr;  // [rows] or null
  float* dlogits = nullptr;              // [rows, classes]; may be probabilities
  CrossEntropyTerms terms;
};
void softmax_cross_entropy_backward(Stream stream, const SoftmaxCrossEntropyBackwardArgs& args);

}  // namespace gyrus::backend::cuda
