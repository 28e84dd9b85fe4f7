// Two matrices of one width, one below the other, and the gradient: the same two matrices taken apart.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct ConcatRowsArgs {
  const void *a = nullptr, *b = nullptr;  // [a_rows, width], [b_rows, width] dtype
  void* y = nullptr;                      // [a_rows + b_rows, width] dtype
  DType dtype = DType::f32;
  std::int64_t a_rows = 0, b_rows = 0, width = 0;
};
void concat_rows_forward(Stream stream, const ConcatRowsArgs& args);

struct ConcatRowsBackwardArgs {
  const void* dy = nullptr;           // [a_rows + b_rows, width] dtype
  void *da = nullptr, *db = nullptr;  // [a_rows, width], [b_rows, width] dtype; null where nobody reads it
  DType dtype = DType::f32;
  std::int64_t a_rows = 0, b_rows = 0, width = 0;
};
void concat_rows_backward(Stream stream, const ConcatRowsBackwardArgs& args);

}  // namespace gyrus::backend::cuda
