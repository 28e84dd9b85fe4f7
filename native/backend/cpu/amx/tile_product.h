// The product of two blocks of 32 rows and 32 columns out of packed operands, in four tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::backend::cpu::amx {

// One operand: two tiles (`tile_bytes` apart) of `steps` steps (`step_bytes` apart), rows of a tile `row_bytes` apart.
struct Operand {
  const std::byte* at = nullptr;
  std::int64_t tile_bytes = 0, step_bytes = kTileBytes, row_bytes = kRowBytes;
};

// Where the four tiles of f32 go: [row tile][column tile].
struct Target {
  std::byte* at = nullptr;
  std::int64_t row_tile_bytes = 0, column_tile_bytes = 0, row_bytes = kRowBytes;
};

// c = sum over steps of a b.
GYRUS_AMX_TARGET inline void multiply(const Operand& a, const Operand& b, std::int64_t steps, const Target& c) {
  zero<0>();
  zero<1>();
  zero<2>();
  zero<3>();
  const std::byte *a0 = a.at, *a1 = a.at + a.tile_bytes, *b0 = b.at, *b1 = b.at + b.tile_bytes;
  const std::int64_t a_step = a.step_bytes, b_step = b.step_bytes, a_row = a.row_bytes, b_row = b.row_bytes;
  for (std::int64_t step = 0; step < steps; ++step) {
    load<4>(a0, a_row);
    load<6>(b0, b_row);
    multiply_add<0, 4, 6>();
    load<7>(b1, b_row);
    multiply_add<1, 4, 7>();
    load<5>(a1, a_row);
    multiply_add<2, 5, 6>();
    multiply_add<3, 5, 7>();
    a0 += a_step;
    a1 += a_step;
    b0 += b_step;
    b1 += b_step;
  }
  std::byte* row = c.at;
  store<0>(row, c.row_bytes);
  store<1>(row + c.column_tile_bytes, c.row_bytes);
  row += c.row_tile_bytes;
  store<2>(row, c.row_bytes);
  store<3>(row + c.column_tile_bytes, c.row_bytes);
}

}  // namespace gyrus::backend::cpu::amx
