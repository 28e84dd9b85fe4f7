// Each row is a few hundred numbers that stay in the L1 cache, so a row is swept as often as is convenient: the cost is
// the exponentials, one an element.
#include "backend/cpu/simd/softmax_rows.h"

#include <limits>

#include "backend/cpu/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/softmax_rows.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// 2^y for y <= 0, to 3e-7; what would be less than 2^-126 becomes 2^-126. About half the work of hn::Exp, which the
// softmax spends most of its time in. NaN stays NaN: Max gives its second operand then.
HWY_INLINE Vec exp2_nonpositive(Vec y) {
  const hn::RebindToSigned<F32> d32;
  const Vec bounded = hn::Max(set(-126.0F), y), whole = hn::Round(bounded), part = hn::Sub(bounded, whole);
  // Taylor's series of 2^part, |part| <= 1/2: coefficients ln(2)^k / k!, the first term left out is 1.2e-7.
  Vec power = set(1.5403530e-4F);
  for (const float c : {1.3333558e-3F, 9.6181291e-3F, 5.5504109e-2F, 2.4022651e-1F, 6.9314718e-1F, 1.0F}) {
    power = hn::MulAdd(power, part, set(c));
  }
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(d32, whole));
  const Vec result = hn::BitCast(F32(), hn::Add(hn::BitCast(d32, power), exponent));
  return hn::IfThenElse(hn::IsNaN(y), y, result);
}

template <class T>
void softmax_row(float* s, float scale, T* p, std::int64_t columns) {
  const std::int64_t n = lanes(), whole = columns - columns % n, rest = columns - whole;
  const MaskF32 is_inside = hn::FirstN(F32(), static_cast<std::size_t>(rest));
  const Vec lowest = set(-std::numeric_limits<float>::infinity());
  Vec top = lowest;
  for (std::int64_t i = 0; i < whole; i += n) top = hn::Max(top, load(s + i));
  if (rest > 0) top = hn::Max(top, hn::IfThenElse(is_inside, load_some(s + whole, rest), lowest));
  // exp(scale (s - max)) of a positive scale: the largest term is 1 and nothing overflows.
  const Vec factor = set(scale * 1.44269504F), highest = hn::MaxOfLanes(F32(), top);
  const auto term_of = [=](Vec v) HWY_ATTR { return exp2_nonpositive(hn::Mul(hn::Sub(v, highest), factor)); };
  Vec sum = zero();
  for (std::int64_t i = 0; i < whole; i += n) {
    const Vec term = term_of(load(s + i));
    sum = hn::Add(sum, term);
    store(s + i, term);
  }
  if (rest > 0) {
    const Vec term = term_of(load_some(s + whole, rest));
    sum = hn::Add(sum, hn::IfThenElseZero(is_inside, term));
    store_some(s + whole, term, rest);
  }
  const Vec inverse = hn::Div(set(1.0F), hn::SumOfLanes(F32(), sum));
  for (std::int64_t i = 0; i < whole; i += n) store(p + i, hn::Mul(load(s + i), inverse));
  if (rest > 0) store_some(p + whole, hn::Mul(load_some(s + whole, rest), inverse), rest);
}

template <class T>
void softmax_grad_row(const T* HWY_RESTRICT p, const float* dp, float scale, T* ds, std::int64_t columns) {
  const std::int64_t n = lanes(), whole = columns - columns % n, rest = columns - whole;
  Vec sum = zero();
  for (std::int64_t i = 0; i < whole; i += n) sum = hn::MulAdd(load(p + i), load(dp + i), sum);
  // load_some fills with zeros, which add nothing.
  if (rest > 0) sum = hn::MulAdd(load_some(p + whole, rest), load_some(dp + whole, rest), sum);
  const Vec mean = hn::SumOfLanes(F32(), sum), factor = set(scale);
  const auto grad = [=](Vec probability, Vec incoming)
                        HWY_ATTR { return hn::Mul(hn::Mul(probability, factor), hn::Sub(incoming, mean)); };
  for (std::int64_t i = 0; i < whole; i += n) store(ds + i, grad(load(p + i), load(dp + i)));
  if (rest > 0) store_some(ds + whole, grad(load_some(p + whole, rest), load_some(dp + whole, rest)), rest);
}

template <class T>
void softmax_all(float* s, float scale, T* p, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t r = 0; r < rows; ++r) softmax_row(s + r * columns, scale, p + r * columns, columns);
}

template <class T>
void softmax_grad_all(const T* p, const float* dp, float scale, T* ds, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = r * columns;
    softmax_grad_row(p + at, dp + at, scale, ds + at, columns);
  }
}

void Softmax(float* s, float scale, void* p, DType dtype, std::int64_t rows, std::int64_t columns) {
  if (dtype == DType::f32) return softmax_all(s, scale, static_cast<float*>(p), rows, columns);
  softmax_all(s, scale, static_cast<bf16_t*>(p), rows, columns);
}

void SoftmaxGrad(const void* p, const float* dp, float scale, void* ds, DType dtype, std::int64_t rows,
                 std::int64_t columns) {
  if (dtype == DType::f32) {
    return softmax_grad_all(static_cast<const float*>(p), dp, scale, static_cast<float*>(ds), rows, columns);
  }
  softmax_grad_all(static_cast<const bf16_t*>(p), dp, scale, static_cast<bf16_t*>(ds), rows, columns);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {

HWY_EXPORT(Softmax);
HWY_EXPORT(SoftmaxGrad);

void softmax_rows(float* s, float scale, void* p, DType dtype, std::int64_t rows, std::int64_t columns) {
  HWY_DYNAMIC_DISPATCH(Softmax)(s, scale, p, dtype, rows, columns);
}

void softmax_rows_grad(const void* p, const float* dp, float scale, void* ds, DType dtype, std::int64_t rows,
                       std::int64_t columns) {
  HWY_DYNAMIC_DISPATCH(SoftmaxGrad)(p, dp, scale, ds, dtype, rows, columns);
}

}  // namespace gyrus::backend::cpu
#endif
