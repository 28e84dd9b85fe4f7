// LARS (You, Gitman, Ginsburg 2017) in two variants: what MoCo v3 trains ResNets with, and what solo-learn does.
//   d = q (g + wd p);  m <- mu m + d;  p <- p - lr m;  q is one number a tensor, 1 for tensors that are not adapted
//   moco_v3:     q = eta |p| / |g + wd p|                          if both norms are positive, else 1
//   solo_learn:  q = eta |p| / (|g| + wd |p| + eps), and min(q / lr, 1) of that when clipped;
//                where a norm is zero, d = g: neither decay nor scaling
#if defined(GYRUS_MATH_LARS_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_LARS_H
#undef GYRUS_MATH_LARS_H
#else
#define GYRUS_MATH_LARS_H
#endif

#include <cmath>

#include "math/pack.h"

GYRUS_MATH_BEGIN

// How d is made of g and p: d = rate (g + weight_decay p).
struct LarsScale {
  double rate, weight_decay;
};

// `update_norm` is |g + wd p|.
GYRUS_HD LarsScale lars_scale_moco_v3(double trust, double weight_decay, double p_norm, double update_norm) {
  const bool is_adapted = p_norm > 0 && update_norm > 0;
  return {is_adapted ? trust * p_norm / update_norm : 1.0, weight_decay};
}

GYRUS_HD LarsScale lars_scale_solo_learn(double trust, double weight_decay, double eps, bool clips, double lr,
                                         double p_norm, double g_norm) {
  if (!(p_norm > 0 && g_norm > 0)) return {1.0, 0.0};
  const double rate = trust * p_norm / (g_norm + weight_decay * p_norm + eps);
  // At lr = 0, where a warm-up begins, the quotient is infinite and the bound 1 holds.
  return {clips ? std::fmin(rate / lr, 1.0) : rate, weight_decay};
}

// One element: returns the new p and changes m, which starts at zero.
template <Pack P>
GYRUS_HD ValueOf<P> lars(ValueOf<P> lr, ValueOf<P> momentum, ValueOf<P> rate, ValueOf<P> weight_decay, ValueOf<P> p,
                         ValueOf<P> g, ValueOf<P>& m) {
  m = P::mul_add(momentum, m, rate * P::mul_add(weight_decay, p, g));
  return p - lr * m;
}

GYRUS_MATH_END

#endif
