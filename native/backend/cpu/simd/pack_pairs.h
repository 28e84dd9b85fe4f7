// Weights in the order that oneDNN's bf16 kernels read: sixteen to sixty-four channels side by side, each with two
// neighbours of the other kind of channel, which one instruction multiplies and adds.
#pragma once

#include <cstdint>
#include <memory>

#include "backend/backend.h"

namespace gyrus::backend::cpu {

// From f32 [rows, columns, taps], row-major, to bf16 [blocks][taps][pairs][block][2]. Side by side lie `block` rows and
// a pair is two columns, or the other way round. What is beyond the last row or column is zero.
struct PairsShape {
  std::int64_t rows = 0, columns = 0, taps = 1;
  bool has_rows_side_by_side = true;
  std::int64_t block = 16;  // a multiple of 16
  std::int64_t pairs = 0;   // of columns, or of rows

  std::int64_t sides() const { return has_rows_side_by_side ? rows : columns; }
  std::int64_t blocks() const { return (sides() + block - 1) / block; }
  std::int64_t bytes() const { return blocks() * taps * pairs * block * 4; }
};

// False where the vectors of this CPU are shorter than sixteen f32, or the taps of a pair of rows are more.
bool can_pack_pairs(const PairsShape& shape);
// in[0] -> out[0]. Requires can_pack_pairs().
std::unique_ptr<Kernel> make_pack_pairs(const PairsShape& shape, int threads);

}  // namespace gyrus::backend::cpu
