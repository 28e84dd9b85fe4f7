// Every row times a factor of its own: stochastic depth.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct ScaleRowsArgs {
  const void* x = nullptr;         // [rows, width] dtype
  const float* factors = nullptr;  // [rows]; aligned as f32 is
  void* y = nullptr;               // [rows, width] dtype; may be x. 0 where the factor is 0, whatever x holds
  DType dtype = DType::f32;
  std::int64_t rows = 0, width = 0;
};
void scale_rows_forward(Stream stream, const ScaleRowsArgs& args);

}  // namespace gyrus::backend::cuda
