// Sum of two arrays.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

struct AddArgs {
  const void *a = nullptr, *b = nullptr;
  void* sum = nullptr;  // f32 if a or b is, else bf16; may be an operand of its own type
  DType a_dtype = DType::f32, b_dtype = DType::f32;
  std::int64_t count = 0;
};
void add_forward(Stream stream, const AddArgs& args);

}  // namespace gyrus::backend::cuda
