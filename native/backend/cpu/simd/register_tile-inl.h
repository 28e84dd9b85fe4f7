// Products held in registers: rows of x, each by its address, times a panel of weights. For one target; included once
// per target, after foreach_target.h.
#if defined(GYRUS_SIMD_REGISTER_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_REGISTER_TILE_INL_H
#undef GYRUS_SIMD_REGISTER_TILE_INL_H
#else
#define GYRUS_SIMD_REGISTER_TILE_INL_H
#endif

#include <algorithm>
#include <type_traits>

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

// Columns of the panel that begins where so many are left: whole vectors, and no more of them than are needed.
HWY_INLINE std::int64_t panel_columns(std::int64_t left) {
  return std::min(tile_columns(), (left + lanes() - 1) / lanes() * lanes());
}

template <int kRows>
struct RegisterTile {
  Vec sums[kRows][kTileVectors];
};

// Of every row: `taps` runs of `run` numbers, `tap_stride` apart; the numbers of a run are `step` apart.
struct Window {
  std::int64_t taps, run, tap_stride, step = 1;
};

// `panel`: the weights of that window. `start`: [row][vector] sums to go on from, or null.
template <int kRows>
HWY_INLINE RegisterTile<kRows> multiply_tile(const float* const* rows, std::int64_t offset, const Window& window,
                                             const float* panel, const float* start) {
  // Apart from the tile that is returned: its address is taken, and the compiler would store every sum at every step.
  Vec sums[kRows][kTileVectors];
  const std::int64_t step = lanes();
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kTileVectors; ++v) {
      sums[r][v] = start == nullptr ? zero() : load(start + (r * kTileVectors + v) * step);
    }
  }
  for (std::int64_t tap = 0; tap < window.taps; ++tap) {
    const float* x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) x[r] = rows[r] + offset + tap * window.tap_stride;
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < window.run; ++k, at += window.step, panel += kTileVectors * step) {
      Vec w[kTileVectors];
#pragma GCC unroll 8
      for (int v = 0; v < kTileVectors; ++v) w[v] = load(panel + v * step);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const Vec value = set(x[r][at]);
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

// body(std::integral_constant<int, n>, row) for every tile of `count` rows: full ones, then what is left in small ones.
template <class Body>
HWY_INLINE void for_tiles(std::int64_t count, const Body& body) {
  std::int64_t row = 0;
  for (; row + kTileRows <= count; row += kTileRows) body(std::integral_constant<int, kTileRows>{}, row);
  if (row + 4 <= count) {
    body(std::integral_constant<int, 4>{}, row);
    row += 4;
  }
  if (row + 2 <= count) {
    body(std::integral_constant<int, 2>{}, row);
    row += 2;
  }
  if (row < count) body(std::integral_constant<int, 1>{}, row);
}

// One part of the window for all rows: sums go on from `partial` unless it is the first part, and back there.
template <bool kIsFirst>
HWY_INLINE void multiply_part(const float* const* rows, std::int64_t count, std::int64_t offset, const Window& window,
                              const float* panel, float* partial) {
  for_tiles(count, [=, &window](auto n, std::int64_t row) HWY_ATTR {
    constexpr int kRows = decltype(n)::value;
    float* sums = partial + row * tile_columns();
    const auto tile = multiply_tile<kRows>(rows + row, offset, window, panel, kIsFirst ? nullptr : sums);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kTileVectors; ++v) store(sums + (r * kTileVectors + v) * lanes(), tile.sums[r][v]);
    }
  });
}

// The last part of the window, or all of it: finish.expect(row) before a full tile, finish(tile, row) after each.
template <class Finish>
HWY_INLINE void multiply_last_part(const float* const* rows, std::int64_t count, std::int64_t offset,
                                   const Window& window, const float* panel, const float* partial,
                                   const Finish& finish) {
  for_tiles(count, [=, &window, &finish](auto n, std::int64_t row) HWY_ATTR {
    constexpr int kRows = decltype(n)::value;
    if constexpr (kRows == kTileRows) finish.expect(row);
    const float* start = partial == nullptr ? nullptr : partial + row * tile_columns();
    finish(multiply_tile<kRows>(rows + row, offset, window, panel, start), row);
  });
}

// All rows against one panel. A panel of more than kPartFloats is worked off in parts that stay in the L2 cache beside
// the rows, with the sums kept in `partial` [rows][columns of a panel] between them.
inline constexpr std::int64_t kPartFloats = 32 * 1024;

inline bool has_parts(const Window& window) { return window.taps * window.run * tile_columns() > kPartFloats; }

template <class Finish>
HWY_INLINE void multiply_rows(const float* const* rows, std::int64_t count, const Window& window, const float* panel,
                              float* partial, const Finish& finish) {
  if (!has_parts(window)) return multiply_last_part(rows, count, 0, window, panel, nullptr, finish);
  // Whole taps if they fit, otherwise near-equal pieces of each.
  const std::int64_t width = tile_columns(), tap_floats = window.run * width;
  const std::int64_t taps = std::max<std::int64_t>(kPartFloats / tap_floats, 1);
  const std::int64_t pieces = (tap_floats + kPartFloats - 1) / kPartFloats;
  const std::int64_t piece = (window.run + pieces - 1) / pieces;
  for (std::int64_t tap = 0; tap < window.taps; tap += taps) {
    for (std::int64_t k = 0; k < window.run; k += piece) {
      const Window part{std::min(taps, window.taps - tap), std::min(piece, window.run - k), window.tap_stride,
                        window.step};
      const std::int64_t offset = tap * window.tap_stride + k * window.step;
      const bool is_first = tap == 0 && k == 0, is_last = tap + taps >= window.taps && k + piece >= window.run;
      if (is_last) {
        multiply_last_part(rows, count, offset, part, panel, partial, finish);
      } else if (is_first) {
        multiply_part<true>(rows, count, offset, part, panel, partial);
      } else {
        multiply_part<false>(rows, count, offset, part, panel, partial);
      }
      panel += part.taps * part.run * width;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
