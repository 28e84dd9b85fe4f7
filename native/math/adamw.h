// AdamW (Loshchilov and Hutter, 2019), as torch.optim.AdamW:
//   p <- p (1 - lr wd);  m <- m + (1 - beta1) (g - m);  v <- beta2 v + (1 - beta2) g^2
//   p <- p - lr / (1 - beta1^t)  m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
#if defined(GYRUS_MATH_ADAMW_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_ADAMW_H
#undef GYRUS_MATH_ADAMW_H
#else
#define GYRUS_MATH_ADAMW_H
#endif

#include <cmath>
#include <cstdint>

#include "math/pack.h"

GYRUS_MATH_BEGIN

// What is the same for every element of a step.
struct AdamwStep {
  double beta2, one_minus_beta1, one_minus_beta2, eps, step_size, inv_root_correction2;
};

GYRUS_HD AdamwStep adamw_step(double lr, double beta1, double beta2, double eps, std::int64_t step) {
  const double t = static_cast<double>(step);
  return {beta2, 1 - beta1, 1 - beta2, eps, lr / (1 - std::pow(beta1, t)), 1 / std::sqrt(1 - std::pow(beta2, t))};
}

// One element: returns the new p and changes m and v. decay = 1 - lr wd.
template <Pack P>
GYRUS_HD ValueOf<P> adamw(const AdamwStep& step, ValueOf<P> decay, ValueOf<P> p, ValueOf<P> g, ValueOf<P>& m,
                          ValueOf<P>& v) {
  m = P::mul_add(P::constant(step.one_minus_beta1), g - m, m);
  v = P::mul_add(P::constant(step.one_minus_beta2), g * g, P::constant(step.beta2) * v);
  const auto denominator = P::mul_add(P::sqrt(v), P::constant(step.inv_root_correction2), P::constant(step.eps));
  return p * decay - P::constant(step.step_size) * P::divide(m, denominator);
}

GYRUS_MATH_END

#endif
