// The rectifier and its gradient, where they stand alone.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct ReluArgs {
  const void* x = nullptr;
  void* y = nullptr;  // may be x
  DType dtype = DType::f32;
  std::int64_t count = 0;
};
// y = max(0, x); NaN stays NaN.
void relu_forward(Stream stream, const ReluArgs& args);

struct ReluBackwardArgs {
  const void *dy = nullptr, *y = nullptr;
  void* dx = nullptr;  // may be dy or y
  DType dtype = DType::f32;
  std::int64_t count = 0;
};
// dx = dy where y > 0, else 0.
void relu_backward(Stream stream, const ReluBackwardArgs& args);

}  // namespace gyrus::backend::cuda
