// The terms of layer normalisation over one row of D numbers:
//   xhat = (x - mean) inv_std;  y = gamma xhat + beta
//   with h = gamma dy:  dx = inv_std (h - mean(h) - xhat mean(h xhat));  dgamma = sum over rows dy xhat;  dbeta = sum
//   dy
#if defined(GYRUS_MATH_NORM_TERMS_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_NORM_TERMS_H
#undef GYRUS_MATH_NORM_TERMS_H
#else
#define GYRUS_MATH_NORM_TERMS_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

template <Pack P>
GYRUS_HD ValueOf<P> standardised(ValueOf<P> x, ValueOf<P> mean, ValueOf<P> inv_std) {
  return (x - mean) * inv_std;
}

template <Pack P>
GYRUS_HD ValueOf<P> layer_norm_gradient(ValueOf<P> h, ValueOf<P> xhat, ValueOf<P> mean_h, ValueOf<P> mean_h_xhat,
                                        ValueOf<P> inv_std) {
  return inv_std * (h - P::mul_add(xhat, mean_h_xhat, mean_h));
}

GYRUS_MATH_END

#endif
