// Exact GELU, x Phi(x), and its gradient, where no epilogue of a product does it.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct GeluArgs {
  const void* x = nullptr;
  void* y = nullptr;  // may be x
  DType dtype = DType::f32;
  std::int64_t count = 0;
};
void gelu_forward(Stream stream, const GeluArgs& args);

struct GeluBackwardArgs {
  const void *dy = nullptr, *x = nullptr;
  void* dx = nullptr;  // may be dy or x
  DType dtype = DType::f32;
  std::int64_t count = 0;
};
// dx = dy (Phi(x) + x phi(x)).
void gelu_backward(Stream stream, const GeluBackwardArgs& args);

}  // namespace gyrus::backend::cuda
