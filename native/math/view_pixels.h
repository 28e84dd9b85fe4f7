// The formulas of augmented views, pixel by pixel: v lies between 0 and 1. Beside a Pack's vocabulary they need
//   exp(x), log(x)   of any x, and of a positive one, to some 4 ulp
#if defined(GYRUS_MATH_VIEW_PIXELS_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_VIEW_PIXELS_H
#undef GYRUS_MATH_VIEW_PIXELS_H
#else
#define GYRUS_MATH_VIEW_PIXELS_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

// v factor + shift, cut off at 0 and 1: brightness, and contrast with shift = (1 - factor) mean.
template <Pack P>
GYRUS_HD ValueOf<P> scaled_clamped(ValueOf<P> v, ValueOf<P> factor, ValueOf<P> shift) {
  return P::min(P::max(P::mul_add(factor, v, shift), P::constant(0)), P::constant(1));
}

// v^power; 0 stays 0.
template <Pack P>
GYRUS_HD ValueOf<P> raised(ValueOf<P> v, ValueOf<P> power) {
  const auto result = P::exp(power * P::log(P::max(v, P::constant(1e-30F))));
  return P::select(P::less(P::constant(0), v), result, P::constant(0));
}

// v exp(c0 + c1 x + c2 x^2), at most 1.
template <Pack P>
GYRUS_HD ValueOf<P> times_exp(ValueOf<P> v, ValueOf<P> x, ValueOf<P> c0, ValueOf<P> c1, ValueOf<P> c2) {
  return P::min(v * P::exp(P::mul_add(P::mul_add(c2, x, c1), x, c0)), P::constant(1));
}

// The last step: from 1/2 up 1 - v where solarised; then factor v + shift.
template <Pack P>
GYRUS_HD ValueOf<P> finished(ValueOf<P> v, bool is_solarized, ValueOf<P> factor, ValueOf<P> shift) {
  if (is_solarized) v = P::select(P::less(v, P::constant(0.5)), v, P::constant(1) - v);
  return P::mul_add(factor, v, shift);
}

GYRUS_MATH_END

#endif
