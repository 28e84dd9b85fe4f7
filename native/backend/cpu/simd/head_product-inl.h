// Products of the small matrices of one attention head: sums held in registers, the left factor broadcast number by
// number (or pair by pair) from where it lies, the right factor in panels of columns. Included once per target, after
// foreach_target.h.
#if defined(GYRUS_SIMD_HEAD_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_HEAD_PRODUCT_INL_H
#undef GYRUS_SIMD_HEAD_PRODUCT_INL_H
#else
#define GYRUS_SIMD_HEAD_PRODUCT_INL_H
#endif

#include <algorithm>
#include <type_traits>

#include "backend/cpu/simd/bf16_pair-inl.h"
#include "backend/cpu/simd/register_tile-inl.h"
#include "backend/cpu/simd/transpose16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// The left factor: number k of row r lies at at[r row_stride + k step].
struct HeadRows {
  const float* at;
  std::int64_t rows, row_stride, step = 1;
};

// The right factor: panels [depth][columns of the panel], the last filled up with zeros.
struct HeadPanels {
  const float* at;
  std::int64_t depth, columns;
};

// Whole vectors of so many columns.
HWY_INLINE std::int64_t padded_columns(std::int64_t columns) { return (columns + lanes() - 1) / lanes() * lanes(); }

// x^T as a right factor: `depth` numbers or pairs of each row of x, its rows as columns. What it is multiplied to has
// room for whole vectors.
inline HeadPanels pack_across(const HeadRows& x, std::int64_t depth, float* to) {
  const std::int64_t step = lanes();
  float* panel = to;
  for (std::int64_t c = 0; c < x.rows;) {
    const std::int64_t width = panel_columns(x.rows - c);
    for (std::int64_t v = 0; v < width; v += step) {
      const float* from = x.at + (c + v) * x.row_stride;
      const std::int64_t rows = std::min(step, x.rows - c - v);
#if HWY_MAX_BYTES == 64
      for (std::int64_t k = 0; k < depth; k += step) {
        Square square;
#pragma GCC unroll 16
        for (std::size_t r = 0; r < kSquare; ++r) {
          const auto row = static_cast<std::int64_t>(r);
          square[r] = row < rows ? load_up_to(from + row * x.row_stride + k, depth - k) : zero();
        }
        transpose(square);
#pragma GCC unroll 16
        for (std::size_t r = 0; r < kSquare; ++r) {
          const std::int64_t at = k + static_cast<std::int64_t>(r);
          if (at < depth) store(panel + at * width + v, square[r]);
        }
      }
#else
      const hn::RebindToSigned<F32> d32;
      const auto index = hn::Mul(hn::Iota(d32, 0), hn::Set(d32, static_cast<std::int32_t>(x.row_stride)));
      for (std::int64_t k = 0; k < depth; ++k) {
        float* numbers = panel + k * width + v;
        if (rows == step) {
          store(numbers, hn::GatherIndex(F32(), from + k, index));
        } else {
          for (std::int64_t r = 0; r < step; ++r) numbers[r] = r < rows ? from[k + r * x.row_stride] : 0.0F;
        }
      }
#endif
    }
    panel += depth * width;
    c += width;
  }
  return {to, depth, padded_columns(x.rows)};
}

// The first `count` numbers of v, a whole vector at most. Who multiplies pairs has the instruction that rounds to bf16.
template <bool kInPairs, class T>
HWY_INLINE void write_head(T* to, Vec v, std::int64_t count) {
#if HWY_MAX_BYTES == 64
  if constexpr (kInPairs && std::is_same_v<T, bf16_t>) return store_up_to(to, rounded_bits(v), count);
#endif
  count >= lanes() ? store(to, v) : store_some(to, v, count);
}

template <bool kInPairs, int kRows, int kVectors, class T>
HWY_INLINE void multiply_head_tile(const HeadRows& x, std::int64_t row, const float* panel, std::int64_t depth, T* to,
                                   std::int64_t stride, std::int64_t columns) {
  const std::int64_t lane_count = lanes();
  Vec sums[kRows][kVectors];
  const float* rows[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    rows[r] = x.at + (row + r) * x.row_stride;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = zero();
  }
  const std::int64_t end = depth * x.step;
  for (std::int64_t k = 0; k != end; k += x.step, panel += kVectors * lane_count) {
    Vec right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) right[v] = load(panel + v * lane_count);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vec left = set(rows[r][k]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = multiply_add<kInPairs>(left, right[v], sums[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    T* at = to + (row + r) * stride;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t left = columns - v * lane_count;
      if (left > 0) write_head<kInPairs>(at + v * lane_count, sums[r][v], left);
    }
  }
}

template <bool kInPairs, int kVectors, class T>
void multiply_head_panel(const HeadRows& x, const float* panel, std::int64_t depth, T* to, std::int64_t stride,
                         std::int64_t columns) {
  for_tiles(x.rows, [&](auto n, std::int64_t row) HWY_ATTR {
    multiply_head_tile<kInPairs, decltype(n)::value, kVectors>(x, row, panel, depth, to, stride, columns);
  });
}

// to [x.rows, panels.columns] = x times the panels; of pairs the depth counts pairs. `stride`: of `to`.
template <bool kInPairs, class T>
void multiply_head(const HeadRows& x, const HeadPanels& panels, T* to, std::int64_t stride) {
  const float* panel = panels.at;
  for (std::int64_t c = 0; c < panels.columns;) {
    const std::int64_t left = panels.columns - c, width = panel_columns(left);
    switch (width / lanes()) {
      case 1:
        multiply_head_panel<kInPairs, 1>(x, panel, panels.depth, to + c, stride, left);
        break;
      case 2:
        multiply_head_panel<kInPairs, 2>(x, panel, panels.depth, to + c, stride, left);
        break;
#if HWY_TARGET <= HWY_AVX3
      case 3:
        multiply_head_panel<kInPairs, 3>(x, panel, panels.depth, to + c, stride, left);
        break;
#endif
      default:
        multiply_head_panel<kInPairs, kTileVectors>(x, panel, panels.depth, to + c, stride, left);
    }
    panel += panels.depth * width;
    c += width;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
