// The error function in f32: erf(x) = x P(x^2) / Q(x^2) with P and Q of degree 5 for |x| <= 3.925, beyond which erf
// rounds to 1 (1 - erf(3.925) = 2.8e-8, half an ulp). The coefficients come from a least-squares fit of P - Q erf(x)/x
// at 4000 Chebyshev nodes in x^2, repeated with weights 1 / Q of the last round (Sanathanan and Koerner) times Lawson's
// weights, which levels the relative error: a minimax fit, 1.9e-8. All coefficients are positive, so nothing cancels.
// Rounding makes it 5 ulp at most over all floats (6 where multiply-adds are not fused), and never more than 1.
#if defined(GYRUS_MATH_ERF_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_ERF_H
#undef GYRUS_MATH_ERF_H
#else
#define GYRUS_MATH_ERF_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

// c[0] + c[1] u + ... + c[5] u^5 in pairs (Estrin): at large u half the rounding error of Horner's rule.
template <Pack P>
GYRUS_HD ValueOf<P> quintic(ValueOf<P> u, ValueOf<P> u2, const double (&c)[6]) {
  const auto low = P::mul_add(u, P::constant(c[1]), P::constant(c[0]));
  const auto middle = P::mul_add(u, P::constant(c[3]), P::constant(c[2]));
  const auto high = P::mul_add(u, P::constant(c[5]), P::constant(c[4]));
  return P::mul_add(u2, P::mul_add(u2, high, middle), low);
}

template <Pack P>
GYRUS_HD ValueOf<P> erf(ValueOf<P> x) {
  constexpr double kP[] = {1.1283791457458061,    0.19059511518491867,    0.05276947962189836,
                           0.0037726085518634137, 0.00028484487673181115, 2.0460175867853775e-06};
  constexpr double kQ[] = {
      1.0, 0.5022432531563645, 0.1141832850152689, 0.014983315273902165, 0.0011638719725569086, 3.8047742766379005e-05};
  // The constants stand first so that a NaN passes.
  const auto bounded = P::max(P::constant(-3.925), P::min(P::constant(3.925), x));
  const auto u = bounded * bounded, u2 = u * u;
  const auto ratio = P::divide(bounded * quintic<P>(u, u2, kP), quintic<P>(u, u2, kQ));
  return P::max(P::constant(-1), P::min(P::constant(1), ratio));
}

GYRUS_MATH_END

#endif
