// GELU, exact: x Phi(x), where Phi is the normal distribution (1 + erf(x / sqrt 2)) / 2 and phi its density.
#if defined(GYRUS_MATH_GELU_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_GELU_H
#undef GYRUS_MATH_GELU_H
#else
#define GYRUS_MATH_GELU_H
#endif

#include "math/erf.h"
#include "math/pack.h"

GYRUS_MATH_BEGIN

template <Pack P>
GYRUS_HD ValueOf<P> normal_distribution(ValueOf<P> x) {
  const auto half = P::constant(0.5);
  return P::mul_add(half, erf<P>(x * P::constant(0.70710678118654752)), half);
}

template <Pack P>
GYRUS_HD ValueOf<P> normal_density(ValueOf<P> x) {
  return P::constant(0.39894228040143268) * P::exp_nonpositive(x * x * P::constant(-0.5));
}

template <Pack P>
GYRUS_HD ValueOf<P> gelu(ValueOf<P> x) {
  return x * normal_distribution<P>(x);
}

// d/dx (x Phi(x)) = Phi(x) + x phi(x)
template <Pack P>
GYRUS_HD ValueOf<P> gelu_slope(ValueOf<P> x) {
  return P::mul_add(x, normal_density<P>(x), normal_distribution<P>(x));
}

GYRUS_MATH_END

#endif
