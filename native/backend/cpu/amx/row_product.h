// y = x w^T + b (and its gelu), or dx = dy w, in bf16 on AMX: what linear layers and 1x1 convolutions do to every row.
// Faster than oneDNN's by what it does on the way out: bias, gelu and rounding happen while a block is in registers,
// and large results are written past the cache.
#pragma once

#include <cstdint>

#include "backend/cpu/node_context.h"
#include "backend/cpu/simd/team.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cpu::amx {

struct RowProductShape {
  std::int64_t rows = 0, inner = 0, columns = 0;  // [rows, inner] times [inner, columns]
  bool is_weight_transposed = false;              // w lies in memory as [columns, inner]: forward
  bool has_bias = false;                          // input 2
  bool has_gelu = false;                          // output 0 = gelu(output 1)
};

// Whole tiles of 32 only.
inline bool takes_row_product(const RowProductShape& shape) { return shape.inner % 32 == 0 && shape.columns % 32 == 0; }

// Where this is faster than oneDNN's 1x1 convolution as well: results that are worth writing past the cache (64 to 256
// channels over 16 x 56 x 56: 3.1 ms a core against 4.2), and so few rows that the weights matter most (1024 to 2048
// over 784 rows backward: 4.2 against 5.8). In between oneDNN is up to 20 % ahead.
inline bool beats_convolution(const RowProductShape& shape) {
  return takes_row_product(shape) && (shape.rows * shape.columns * 2 >= kStreamedBytes || shape.rows <= 1024);
}

// Inputs x [rows, inner] bf16, w f32 (packed by a step of its own), b [columns] f32; outputs y (and pre) bf16.
LoweredKernel make_row_product(const RowProductShape& shape, int threads);

}  // namespace gyrus::backend::cpu::amx
