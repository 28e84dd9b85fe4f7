// Products held in registers: rows of x, each by its address, times a panel of weights. For one target; included once
// per target, after foreach_target.h.
#if defined(GYRUS_SIMD_REGISTER_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_REGISTER_TILE_INL_H
#undef GYRUS_SIMD_REGISTER_TILE_INL_H
#else
#define GYRUS_SIMD_REGISTER_TILE_INL_H
#endif

#include "backend/cpu/simd/pack_hwy-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// 24 sums, 4 vectors of weights and one of x fill 29 of AVX-512's 32 registers; 12, 2 and 1 fit in 16.
inline constexpr int kTileRows = 6;
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kTileVectors = 4;
#else
inline constexpr int kTileVectors = 2;
#endif

HWY_INLINE std::int64_t tile_columns() { return kTileVectors * lanes(); }

template <int kRows>
struct RegisterTile {
  Vec sums[kRows][kTileVectors];
};

// Of every row: `taps` runs of `run` numbers, `tap_stride` numbers apart.
struct Window {
  std::int64_t taps, run, tap_stride;
};

template <int kRows>
HWY_INLINE RegisterTile<kRows> multiply_tile(const float* const* rows, const Window& window, const float* panel) {
  // Apart from the tile that is returned: its address is taken, and the compiler would store every sum at every step.
  Vec sums[kRows][kTileVectors];
  const std::int64_t step = lanes();
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kTileVectors; ++v) sums[r][v] = zero();
  }
  for (std::int64_t tap = 0; tap < window.taps; ++tap) {
    const float* x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) x[r] = rows[r] + tap * window.tap_stride;
    for (std::int64_t k = 0; k < window.run; ++k, panel += kTileVectors * step) {
      Vec w[kTileVectors];
#pragma GCC unroll 8
      for (int v = 0; v < kTileVectors; ++v) w[v] = load(panel + v * step);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const Vec value = set(x[r][k]);
#pragma GCC unroll 8
        for (int v = 0; v < kTileVectors; ++v) sums[r][v] = hn::MulAdd(value, w[v], sums[r][v]);
      }
    }
  }
  RegisterTile<kRows> tile;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kTileVectors; ++v) tile.sums[r][v] = sums[r][v];
  }
  return tile;
}

// All rows against one panel: finish(tile, row) for each register tile.
template <class Finish>
HWY_INLINE void multiply_rows(const float* const* rows, std::int64_t count, const Window& window, const float* panel,
                              const Finish& finish) {
  std::int64_t row = 0;
  for (; row + kTileRows <= count; row += kTileRows) finish(multiply_tile<kTileRows>(rows + row, window, panel), row);
  const auto rest = count - row;
  if (rest >= 4) {
    finish(multiply_tile<4>(rows + row, window, panel), row);
    row += 4;
  }
  if (row + 2 <= count) {
    finish(multiply_tile<2>(rows + row, window, panel), row);
    row += 2;
  }
  if (row < count) finish(multiply_tile<1>(rows + row, window, panel), row);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
