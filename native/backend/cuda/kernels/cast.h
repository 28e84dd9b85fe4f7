// Conversion between f32 and bf16, rounding to nearest even.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct CastArgs {
  const void* x = nullptr;
  void* y = nullptr;
  DType x_dtype = DType::f32, y_dtype = DType::f32;  // equal: a copy
  std::int64_t count = 0;
};
void cast_forward(Stream stream, const CastArgs& args);

}  // namespace gyrus::backend::cuda
