// Stochastic gradient descent with momentum, as torch.optim.SGD:
//   d = g + wd p;  m <- d at the first step, mu m + (1 - dampening) d afterwards;  p <- p - lr (nesterov ? d + mu m :
//   m)
#if defined(GYRUS_MATH_SGD_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_SGD_H
#undef GYRUS_MATH_SGD_H
#else
#define GYRUS_MATH_SGD_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

struct SgdStep {
  float lr, momentum, damped;  // damped: 1 - dampening, and 1 at the first step, where m is still zero
  bool is_nesterov;
};

// One element: returns the new p and changes m. Without momentum m is not used.
template <Pack P>
GYRUS_HD ValueOf<P> sgd(const SgdStep& step, ValueOf<P> weight_decay, ValueOf<P> p, ValueOf<P> g, ValueOf<P>& m) {
  const auto d = P::mul_add(weight_decay, p, g);
  const auto momentum = P::constant(step.momentum), minus_lr = P::constant(-step.lr);
  m = P::mul_add(momentum, m, P::constant(step.damped) * d);
  return P::mul_add(minus_lr, step.is_nesterov ? P::mul_add(momentum, m, d) : m, p);
}

template <Pack P>
GYRUS_HD ValueOf<P> sgd_without_momentum(const SgdStep& step, ValueOf<P> weight_decay, ValueOf<P> p, ValueOf<P> g) {
  return P::mul_add(P::constant(-step.lr), P::mul_add(weight_decay, p, g), p);
}

GYRUS_MATH_END

#endif
