// Softmax over the rows of one attention head, and its gradient: single-threaded pieces of the attention kernels.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace gyrus::backend::cpu {

// p = softmax(scale s) row by row, scale > 0. s [rows, columns] f32 is used up; p [rows, columns] `dtype`, which may be
// the memory of s for f32.
void softmax_rows(float* s, float scale, void* p, DType dtype, std::int64_t rows, std::int64_t columns);

// ds = scale p (dp - sum_j p_j dp_j) row by row: the gradient with respect to s above.
// p [rows, columns] `dtype`, dp [rows, columns] f32, ds [rows, columns] `dtype`; dp and ds may be the same for f32.
void softmax_rows_grad(const void* p, const float* dp, float scale, void* ds, DType dtype, std::int64_t rows,
                       std::int64_t columns);

}  // namespace gyrus::backend::cpu
