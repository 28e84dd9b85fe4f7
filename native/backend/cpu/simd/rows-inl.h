// Sums along one row, for one target. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_ROWS_INL_H
#undef GYRUS_SIMD_ROWS_INL_H
#else
#define GYRUS_SIMD_ROWS_INL_H
#endif

#include <algorithm>

#include "backend/cpu/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// The sum of term(access, i) over the vectors of [0, width), as a vector whose lanes remain to be added. Four chains of
// additions, since one would wait for its latency; at most kChain in each before they join the total, so that rounding
// errors do not grow with the width. A term may also write what it computed.
template <class Term>
HWY_INLINE Vec sum_row(std::int64_t width, const Term& term) {
  constexpr std::int64_t kChain = 16;
  const std::int64_t step = lanes();
  Vec total = zero();
  std::int64_t i = 0;
  while (i + 4 * step <= width) {
    Vec sum0 = zero(), sum1 = zero(), sum2 = zero(), sum3 = zero();
    const std::int64_t end = std::min(width, i + kChain * 4 * step);
    for (; i + 4 * step <= end; i += 4 * step) {
      sum0 = hn::Add(sum0, term(WholeVector{}, i));
      sum1 = hn::Add(sum1, term(WholeVector{}, i + step));
      sum2 = hn::Add(sum2, term(WholeVector{}, i + 2 * step));
      sum3 = hn::Add(sum3, term(WholeVector{}, i + 3 * step));
    }
    total = hn::Add(total, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3)));
  }
  for (; i + step <= width; i += step) total = hn::Add(total, term(WholeVector{}, i));
  if (i < width) {
    const PartOfVector rest{width - i};
    total = hn::Add(total, rest.keep(term(rest, i)));
  }
  return total;
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
