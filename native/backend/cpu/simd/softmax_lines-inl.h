// Softmax over rows of one attention head, and its gradient, some rows at a time: one row alone would wait for its own
// sums. Rows of f32 padded to whole vectors in; about 15 operations an element and an exponential's 11 forward.
// Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_SOFTMAX_LINES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_SOFTMAX_LINES_INL_H
#undef GYRUS_SIMD_SOFTMAX_LINES_INL_H
#else
#define GYRUS_SIMD_SOFTMAX_LINES_INL_H
#endif

#include <limits>

#include "backend/cpu/simd/bf16_pair-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// A row that ends where nothing more may be written.
template <class T>
struct MemoryRow {
  T* to;
  HWY_INLINE void write(std::int64_t column, std::int64_t columns, Vec v) const {
    const std::int64_t left = columns - column;
    left >= lanes() ? store(to + column, v) : store_some(to + column, v, left);
  }
};

// A row of whole vectors.
struct PaddedRow {
  float* to;
  HWY_INLINE void write(std::int64_t column, std::int64_t /*columns*/, Vec v) const { store(to + column, v); }
};

#if HWY_MAX_BYTES == 64
// A row of numbers as bf16 in the padded row, and where `to` is given also in memory, where nothing may follow it.
struct Bf16Row {
  bf16_t *padded, *to;
  HWY_INLINE void write(std::int64_t column, std::int64_t columns, Vec v) const {
    const auto bits = rounded_bits(v);
    store_up_to(padded + column, bits, lanes());
    if (to != nullptr) store_up_to(to + column, bits, columns - column);
  }
};
#endif

// p = softmax(scale s), scale > 0, of kRows rows, which lie `line` apart in s. s is used up.
template <int kRows, class Row>
HWY_INLINE void softmax_lines(float* s, std::int64_t line, std::int64_t columns, float scale, const Row* p) {
  const std::int64_t step = lanes(), last = (columns - 1) / step * step;
  const MaskF32 is_inside = hn::FirstN(F32(), static_cast<std::size_t>(columns - last));
  const Vec lowest = set(-std::numeric_limits<float>::infinity()), factor = set(scale);
  Vec top[kRows], sum[kRows];
  for (int r = 0; r < kRows; ++r) {
    const Vec end = hn::IfThenElse(is_inside, load(s + r * line + last), lowest);
    store(s + r * line + last, end);
    top[r] = end;
    sum[r] = zero();
  }
  for (std::int64_t c = 0; c < last; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) top[r] = hn::Max(load(s + r * line + c), top[r]);
  }
  // scale (s - max): the largest term is 1 and nothing overflows.
  for (int r = 0; r < kRows; ++r) top[r] = hn::MaxOfLanes(F32(), top[r]);
  for (std::int64_t c = 0; c <= last; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vec term = exp_nonpositive(hn::Mul(hn::Sub(load(s + r * line + c), top[r]), factor));
      sum[r] = hn::Add(sum[r], c == last ? hn::IfThenElseZero(is_inside, term) : term);
      store(s + r * line + c, term);
    }
  }
  Vec inverse[kRows];
  for (int r = 0; r < kRows; ++r) inverse[r] = hn::Div(set(1.0F), hn::SumOfLanes(F32(), sum[r]));
  for (std::int64_t c = 0; c <= last; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vec value = hn::Mul(load(s + r * line + c), inverse[r]);
      p[r].write(c, columns, c == last ? hn::IfThenElseZero(is_inside, value) : value);
    }
  }
}

// ds = scale p (dp - sum_j p_j dp_j); rows of p lie `p_line` apart. dp is finite in the padding, where p counts as
// zero.
template <int kRows, class P, class Row>
HWY_INLINE void softmax_grad_lines(const P* p, std::int64_t p_line, const float* dp, std::int64_t line,
                                   std::int64_t columns, float scale, const Row* ds) {
  const std::int64_t step = lanes();
  const Vec factor = set(scale);
  Vec mean[kRows];
  for (int r = 0; r < kRows; ++r) mean[r] = zero();
  for (std::int64_t c = 0; c < columns; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
      mean[r] = hn::MulAdd(load_up_to(p + r * p_line + c, columns - c), load(dp + r * line + c), mean[r]);
  }
  for (int r = 0; r < kRows; ++r) mean[r] = hn::SumOfLanes(F32(), mean[r]);
  for (std::int64_t c = 0; c < columns; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vec weight = hn::Mul(load_up_to(p + r * p_line + c, columns - c), factor);
      ds[r].write(c, columns, hn::Mul(weight, hn::Sub(load(dp + r * line + c), mean[r])));
    }
  }
}

// Both of `count` rows, four at a time. `row_of(r)`: the Row that row r goes to.
template <class RowOf>
HWY_INLINE void softmax_all(float* s, std::int64_t line, std::int64_t count, std::int64_t columns, float scale,
                            const RowOf& row_of) {
  std::int64_t r = 0;
  for (; r + 4 <= count; r += 4) {
    const decltype(row_of(r)) to[] = {row_of(r), row_of(r + 1), row_of(r + 2), row_of(r + 3)};
    softmax_lines<4>(s + r * line, line, columns, scale, to);
  }
  for (; r < count; ++r) {
    const auto to = row_of(r);
    softmax_lines<1>(s + r * line, line, columns, scale, &to);
  }
}

template <class P, class RowOf>
HWY_INLINE void softmax_grad_all(const P* p, std::int64_t p_line, const float* dp, std::int64_t line,
                                 std::int64_t count, std::int64_t columns, float scale, const RowOf& row_of) {
  std::int64_t r = 0;
  for (; r + 4 <= count; r += 4) {
    const decltype(row_of(r)) to[] = {row_of(r), row_of(r + 1), row_of(r + 2), row_of(r + 3)};
    softmax_grad_lines<4>(p + r * p_line, p_line, dp + r * line, line, columns, scale, to);
  }
  for (; r < count; ++r) {
    const auto to = row_of(r);
    softmax_grad_lines<1>(p + r * p_line, p_line, dp + r * line, line, columns, scale, &to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
