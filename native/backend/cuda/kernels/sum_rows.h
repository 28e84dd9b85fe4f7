// Sum over all rows: the gradient of a bias.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct SumRowsArgs {
  const void* x = nullptr;  // [rows, channels] dtype
  float* sums = nullptr;    // [channels]
  void* scratch = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0, channels = 0;
};
std::int64_t sum_rows_scratch_bytes(const SumRowsArgs& args);
void sum_rows_forward(Stream stream, const SumRowsArgs& args);

}  // namespace gyrus::backend::cuda
