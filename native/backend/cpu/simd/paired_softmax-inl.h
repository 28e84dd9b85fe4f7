// Softmax over rows of one attention head, and its gradient, between products of pairs: rows of f32 that are padded to
// whole vectors in, rows of bf16 that are zero in the padding out. About 15 operations an element and an exponential's
// 11 forward. For targets with long vectors and AVX512_BF16's conversion; included once per target, after
// foreach_target.h.
#if defined(GYRUS_SIMD_PAIRED_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_PAIRED_SOFTMAX_INL_H
#undef GYRUS_SIMD_PAIRED_SOFTMAX_INL_H
#else
#define GYRUS_SIMD_PAIRED_SOFTMAX_INL_H
#endif

#include <limits>

#include "backend/cpu/simd/bf16_pair-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

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

// p = softmax(scale s), scale > 0, of kRows rows side by side: one row alone would wait for its own sums. s is used up.
template <int kRows>
HWY_INLINE void softmax_lines(float* s, std::int64_t line, std::int64_t columns, float scale, const Bf16Row* p) {
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

// ds = scale p (dp - sum_j p_j dp_j). dp is zero or finite in the padding, where p counts as zero.
template <int kRows>
HWY_INLINE void softmax_grad_lines(const bf16_t* p, const float* dp, std::int64_t line, std::int64_t columns,
                                   float scale, const Bf16Row* ds) {
  const std::int64_t step = lanes();
  const Vec factor = set(scale);
  Vec mean[kRows];
  for (int r = 0; r < kRows; ++r) mean[r] = zero();
  for (std::int64_t c = 0; c < columns; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
      mean[r] = hn::MulAdd(load_up_to(p + r * columns + c, columns - c), load(dp + r * line + c), mean[r]);
  }
  for (int r = 0; r < kRows; ++r) mean[r] = hn::SumOfLanes(F32(), mean[r]);
  for (std::int64_t c = 0; c < columns; c += step) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vec weight = hn::Mul(load_up_to(p + r * columns + c, columns - c), factor);
      ds[r].write(c, columns, hn::Mul(weight, hn::Sub(load(dp + r * line + c), mean[r])));
    }
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
