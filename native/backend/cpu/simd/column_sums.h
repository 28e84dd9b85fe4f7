// Scratch of the per-channel sums: each thread adds f32 within a block of rows and moves the block's sums to f64, so
// the error does not grow with the number of rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/simd/row_fold.h"

namespace gyrus::backend::cpu {

// Two sums per column of one thread; arrays of `width`.
struct ColumnSums {
  float *shift = nullptr, *first = nullptr, *second = nullptr;
  double *first_total = nullptr, *second_total = nullptr;

  static std::int64_t bytes(std::int64_t width) { return width * (3 * 4 + 2 * 8); }
  // Carves part `part` out of `memory`. Widths are multiples of 16, so every array starts at a cache line.
  static ColumnSums carve(std::byte* memory, std::int64_t width, int part) {
    std::byte* at = memory + part * bytes(width);
    ColumnSums sums;
    sums.first_total = reinterpret_cast<double*>(at);
    sums.second_total = sums.first_total + width;
    sums.shift = reinterpret_cast<float*>(sums.second_total + width);
    sums.first = sums.shift + width;
    sums.second = sums.first + width;
    return sums;
  }
};

// Per-column coefficients of the pass that follows the sums; arrays of `width`.
struct ColumnTables {
  float *a = nullptr, *b = nullptr, *c = nullptr;

  static std::int64_t bytes(std::int64_t width) { return width * 3 * 4; }
  static ColumnTables carve(std::byte* memory, std::int64_t width) {
    float* at = reinterpret_cast<float*>(memory);
    return {at, at + width, at + 2 * width};
  }
};

}  // namespace gyrus::backend::cpu
