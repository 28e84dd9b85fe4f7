// The terms of softmax cross-entropy with smoothed labels. Of one row of K logits z, with label l and smoothing s:
//   p_k = exp(z_k - max) / sum;  target_k = (1 - s) [k = l] + s / K
//   CE = -sum_k target_k log p_k = log(sum) + max - (1 - s) z_l - s mean(z);   dCE/dz_k = p_k - target_k
#if defined(GYRUS_MATH_SOFTMAX_TERMS_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_SOFTMAX_TERMS_H
#undef GYRUS_MATH_SOFTMAX_TERMS_H
#else
#define GYRUS_MATH_SOFTMAX_TERMS_H
#endif

#include "math/pack.h"

GYRUS_MATH_BEGIN

// exp(scale z - max): the maximum makes the largest term 1, so nothing overflows.
template <Pack P>
GYRUS_HD ValueOf<P> softmax_term(ValueOf<P> scale, ValueOf<P> z, ValueOf<P> max) {
  return P::exp_nonpositive(scale * z - max);
}

// All numbers of one row; z_label and z_mean of the scaled logits.
GYRUS_HD double cross_entropy(double log_sum, double max, double z_label, double z_mean, double smoothing) {
  return log_sum + max - (1 - smoothing) * z_label - smoothing * z_mean;
}

GYRUS_MATH_END

#endif
