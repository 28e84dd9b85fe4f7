// The vocabulary in which the formulas of this folder are written, so that one text serves scalars (float, double, host
// and device) and SIMD vectors. Every file here may be included once by ordinary code, or once per SIMD target after
// hwy/highway.h: the guards follow Highway's toggle, and the target's attributes enclose the functions.
//
// A Pack is a stateless struct with
//   Value, Mask                 what is computed with, and the result of a comparison; Value has + - * / and unary -
//   constant(double) -> Value   every lane that number
//   mul_add(a, b, c)            a b + c, fused where the machine can
//   max(a, b), min(a, b)        b where either is NaN
//   divide(a, b)                a / b to 1 ulp; b finite and not zero
//   abs, sqrt                   of one Value
//   exp_nonpositive(x)          e^x to 2 ulp for x <= 0; what is less than 2^-125 may become 2^-125
//   less(a, b) -> Mask          false where either is NaN
//   select(mask, yes, no)       lane by lane
#if defined(GYRUS_MATH_PACK_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_MATH_PACK_H
#undef GYRUS_MATH_PACK_H
#else
#define GYRUS_MATH_PACK_H
#endif

#undef GYRUS_MATH_BEGIN
#undef GYRUS_MATH_END
#undef GYRUS_HD
#ifdef HWY_NAMESPACE
#define GYRUS_MATH_BEGIN  \
  HWY_BEFORE_NAMESPACE(); \
  namespace gyrus::math { \
  namespace HWY_NAMESPACE {
#define GYRUS_MATH_END \
  }                    \
  }                    \
  HWY_AFTER_NAMESPACE();
#define GYRUS_HD HWY_INLINE
#else
#define GYRUS_MATH_BEGIN namespace gyrus::math {
#define GYRUS_MATH_END }
#ifdef __CUDACC__
#define GYRUS_HD __host__ __device__ inline
#else
#define GYRUS_HD inline
#endif
#endif

GYRUS_MATH_BEGIN

template <class P>
concept Pack = requires(typename P::Value v) {
  P::constant(0.0);
  P::mul_add(v, v, v);
  P::max(v, v);
  P::min(v, v);
  P::abs(v);
  P::sqrt(v);
  P::divide(v, v);
  P::exp_nonpositive(v);
  P::select(P::less(v, v), v, v);
};

template <class P>
using ValueOf = typename P::Value;

// c[0] + c[1] x + c[2] x^2 + … by Horner's rule.
template <Pack P, int kCount>
GYRUS_HD ValueOf<P> polynomial(ValueOf<P> x, const double (&c)[kCount]) {
  ValueOf<P> sum = P::constant(c[kCount - 1]);
  for (int i = kCount - 2; i >= 0; --i) sum = P::mul_add(sum, x, P::constant(c[i]));
  return sum;
}

GYRUS_MATH_END

#endif
