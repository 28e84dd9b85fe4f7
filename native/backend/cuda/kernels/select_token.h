// One token out of each sequence, and the gradient.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct SelectTokenArgs {
  const void* x = nullptr;  // [N, T, D] dtype
  void* y = nullptr;        // [N, D] dtype
  DType dtype = DType::f32;
  std::int64_t images = 0, tokens = 0, width = 0, index = 0;
};
void select_token_forward(Stream stream, const SelectTokenArgs& args);

struct SelectTokenBackwardArgs {
  const void* dy = nullptr;  // [N, D] dtype
  void* dx = nullptr;        // [N, T, D] dtype, zero at the other tokens
  DType dtype = DType::f32;
  std::int64_t images = 0, tokens = 0, width = 0, index = 0;
};
void select_token_backward(Stream stream, const SelectTokenBackwardArgs& args);

}  // namespace gyrus::backend::cuda
