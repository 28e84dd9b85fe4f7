// The rectifier max(0, x), and the gradient that it lets through. A NaN in x stays a NaN in y.
#if defined(GYRUS_MATH_RELU_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_RELU_H
#undef GYRUS_MATH_RELU_H
#else
#define GYRUS_MATH_RELU_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

template <Pack P>
GYRUS_HD ValueOf<P> relu(ValueOf<P> x) {
  return P::max(P::constant(0), x);
}

// dy where the output y was positive, else 0.
template <Pack P>
GYRUS_HD ValueOf<P> relu_gradient(ValueOf<P> dy, ValueOf<P> y) {
  return P::select(P::less(P::constant(0), y), dy, P::constant(0));
}

GYRUS_MATH_END

#endif
