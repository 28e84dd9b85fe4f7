// GELU and its slope of sixteen numbers, to bf16's accuracy.
#pragma once

#include "backend/cpu/amx/intrinsics.h"
#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::backend::cpu::amx {

// 2^y to 3e-7 of it. The reduction leaves the part behind the nearest whole number, which scalef puts back; Taylor's
// series of 2^part, |part| <= 1/2, has the terms ln(2)^k / k!.
GYRUS_AMX_TARGET inline __m512 exp2_of(__m512 y) {
  const __m512 part = _mm512_reduce_ps(y, 0), whole = _mm512_sub_ps(y, part);
  __m512 power = _mm512_set1_ps(1.3333558e-3F);
  power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(9.6181291e-3F));
  power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(5.5504109e-2F));
  power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(2.4022651e-1F));
  power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(6.9314718e-1F));
  power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(power, whole);
}

struct NormalTerms {
  __m512 distribution;  // Phi(x) = (1 + erf(x / sqrt 2)) / 2
  __m512 bell;          // exp(-x^2 / 2)
};

// Abramowitz and Stegun 7.1.26: 1 - erf(z) = (a1 t + ... + a5 t^5) exp(-z^2), t = 1 / (1 + p z), z >= 0, to 1.5e-7; so
// Phi(-|x|) is half of that with no cancellation, and the reciprocal's 6e-5 is all that the tail loses.
GYRUS_AMX_TARGET inline NormalTerms normal_terms(__m512 x) {
  const __m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678F));
  const __m512 t = _mm512_rcp14_ps(_mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911F), _mm512_set1_ps(1.0F)));
  // x^2 / 2 = z^2; log2(e) turns the power into one of two.
  const __m512 bell = exp2_of(_mm512_mul_ps(_mm512_mul_ps(z, z), _mm512_set1_ps(-1.44269504F)));
  __m512 sum = _mm512_set1_ps(0.5F * 1.061405429F);
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * -1.453152027F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * 1.421413741F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * -0.284496736F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.5F * 0.254829592F));
  const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(sum, t), bell);
  const __mmask16 is_positive = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);
  return {_mm512_mask_sub_ps(tail, is_positive, _mm512_set1_ps(1.0F), tail), bell};
}

GYRUS_AMX_TARGET inline __m512 gelu_of(__m512 x) { return _mm512_mul_ps(x, normal_terms(x).distribution); }

// d gelu / dx = Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)
GYRUS_AMX_TARGET inline __m512 gelu_slope_of(__m512 x) {
  const NormalTerms terms = normal_terms(x);
  return _mm512_fmadd_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.39894228F)), terms.bell, terms.distribution);
}

}  // namespace gyrus::backend::cpu::amx
