// The exponential moving average by which the momentum encoder follows the trained one: e <- m e + (1 - m) p.
#if defined(GYRUS_MATH_EMA_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_EMA_H
#undef GYRUS_MATH_EMA_H
#else
#define GYRUS_MATH_EMA_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

template <Pack P>
GYRUS_HD ValueOf<P> ema(ValueOf<P> momentum, ValueOf<P> one_minus_momentum, ValueOf<P> e, ValueOf<P> p) {
  return P::mul_add(momentum, e, one_minus_momentum * p);
}

GYRUS_MATH_END

#endif
