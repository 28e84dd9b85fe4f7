// What every SIMD kernel needs: vectors of f32, loading and storing f32 and bf16 as f32, ends of arrays, and the Pack
// (math/pack.h) of a vector. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_PACK_HWY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_PACK_HWY_INL_H
#undef GYRUS_SIMD_PACK_HWY_INL_H
#else
#define GYRUS_SIMD_PACK_HWY_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/dtype.h"
#include "math/pack.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using F64 = hn::ScalableTag<double>;
using Vec = hn::Vec<F32>;
using MaskF32 = hn::Mask<F32>;

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(F32())); }
HWY_INLINE Vec set(float value) { return hn::Set(F32(), value); }
HWY_INLINE Vec zero() { return hn::Zero(F32()); }

HWY_INLINE Vec load(const float* p) { return hn::LoadU(F32(), p); }

// bf16 is the upper half of an f32.
HWY_INLINE Vec load(const bf16_t* p) {
  const hn::Rebind<std::uint16_t, F32> d16;
  const hn::RebindToUnsigned<F32> d32;
  const auto bits = hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(p));
  return hn::BitCast(F32(), hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
}

// An f32 vector's bits rounded to bf16 (to nearest even, NaN kept and made quiet), in the lower half of each lane.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<F32>> bf16_bits(Vec v) {
  const hn::RebindToUnsigned<F32> d32;
  const auto bits = hn::BitCast(d32, v);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto is_odd = hn::And(upper, hn::Set(d32, 1U));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(is_odd, hn::Set(d32, 0x7fffU))));
  const auto quiet = hn::Or(upper, hn::Set(d32, 0x40U));
  return hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(v)), quiet, rounded);
}

HWY_INLINE void store(float* p, Vec v) { hn::StoreU(v, F32(), p); }

HWY_INLINE void store(bf16_t* p, Vec v) {
  const hn::Rebind<std::uint16_t, F32> d16;
  hn::StoreU(hn::TruncateTo(d16, bf16_bits(v)), d16, reinterpret_cast<std::uint16_t*>(p));
}

// Stores past the caches: a line that is overwritten whole is then not read first. `p` is aligned to what is stored, a
// vector of T; hwy::FlushStream() makes the stores of a thread visible to others.
HWY_INLINE void stream(float* p, Vec v) { hn::Stream(v, F32(), p); }
HWY_INLINE void stream(bf16_t* p, Vec v) {
  const hn::Rebind<std::uint16_t, F32> d16;
  hn::Stream(hn::TruncateTo(d16, bf16_bits(v)), d16, reinterpret_cast<std::uint16_t*>(p));
}

// Stores a value and returns it as it will be read back.
HWY_INLINE Vec store_rounded(float* p, Vec v) {
  store(p, v);
  return v;
}
HWY_INLINE Vec store_rounded(bf16_t* p, Vec v) {
  const hn::Rebind<std::uint16_t, F32> d16;
  const auto bits = bf16_bits(v);
  hn::StoreU(hn::TruncateTo(d16, bits), d16, reinterpret_cast<std::uint16_t*>(p));
  return hn::BitCast(F32(), hn::ShiftLeft<16>(bits));
}

// The first `count` < lanes() elements, the rest zero. Nothing beyond them is touched.
template <class T>
HWY_INLINE Vec load_some(const T* p, std::int64_t count) {
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(buffer, p, static_cast<std::size_t>(count) * sizeof(T));
  return load(buffer);
}

// The first `count` elements (none, where it is negative; a vector of them at most), the rest zero. Nothing beyond them
// is touched.
HWY_INLINE Vec load_up_to(const float* p, std::int64_t count) {
  if (count >= lanes()) return load(p);
  if (count <= 0) return zero();
#if HWY_MAX_BYTES == 64
  return hn::MaskedLoad(hn::FirstN(F32(), static_cast<std::size_t>(count)), F32(), p);
#else
  return load_some(p, count);
#endif
}
HWY_INLINE Vec load_up_to(const bf16_t* p, std::int64_t count) {
  if (count >= lanes()) return load(p);
  if (count <= 0) return zero();
#if HWY_MAX_BYTES == 64
  const hn::Rebind<std::uint16_t, F32> d16;
  const auto is_inside = hn::FirstN(d16, static_cast<std::size_t>(count));
  const auto bits = hn::MaskedLoad(is_inside, d16, reinterpret_cast<const std::uint16_t*>(p));
  return hn::BitCast(F32(), hn::ShiftLeft<16>(hn::PromoteTo(hn::RebindToUnsigned<F32>(), bits)));
#else
  return load_some(p, count);
#endif
}

template <class T>
HWY_INLINE void store_some(T* p, Vec v, std::int64_t count) {
  HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(float)];
  store(buffer, v);
  std::memcpy(p, buffer, static_cast<std::size_t>(count) * sizeof(T));
}

HWY_INLINE float sum_of(Vec v) { return hn::GetLane(hn::SumOfLanes(F32(), v)); }

// a / b. A division of 16 lanes takes 16 cycles on the AVX-512 machines of Intel; from the estimate, which is good to
// 14 bits, one step of Newton's iteration on the quotient is a quarter of that, and right to 1 ulp. b: finite, not
// zero.
HWY_INLINE Vec divide(Vec a, Vec b) {
#if HWY_TARGET <= HWY_AVX3
  const Vec inverse = hn::ApproximateReciprocal(b), quotient = hn::Mul(a, inverse);
  return hn::MulAdd(hn::NegMulAdd(quotient, b, a), inverse, quotient);
#else
  return hn::Div(a, b);
#endif
}

// e^x for x <= 0 as 2^n e^r, |r| <= ln(2)/2, with e^r = 1 + r + r^2 q(r): q is the minimax fit of degree 4 (least
// squares at Chebyshev nodes with Lawson's weights; error of e^r 3e-9). Adding 1.5 2^23 rounds to whole numbers and
// leaves n in the lowest bits, 127 with it, from where a shift makes the exponent of 2^n. NaN passes.
HWY_INLINE Vec exp_nonpositive(Vec x) {
  const Vec bounded = hn::Max(set(-86.5F), x), magic = set(12582912.0F + 127.0F);
  const Vec shifted = hn::MulAdd(bounded, set(1.44269504F), magic), n = hn::Sub(shifted, magic);
  // ln 2 in two parts; the first has zeros at the end, so n times it is exact.
  const Vec r = hn::NegMulAdd(n, set(-2.12194440e-4F), hn::NegMulAdd(n, set(0.693359375F), bounded));
  Vec e = set(0.0013814598531638534F);
  for (const float c :
       {0.00836871688186913F, 0.041668388047645236F, 0.1666652063168614F, 0.49999993447784963F, 1.0F, 1.0F}) {
    e = hn::MulAdd(e, r, set(c));
  }
  const hn::RebindToUnsigned<F32> d32;
  return hn::Mul(e, hn::BitCast(F32(), hn::ShiftLeft<23>(hn::BitCast(d32, shifted))));
}

struct HwyPack {
  using Value = Vec;
  using Mask = MaskF32;
  static HWY_INLINE Vec constant(double c) { return set(static_cast<float>(c)); }
  static HWY_INLINE Vec mul_add(Vec a, Vec b, Vec c) { return hn::MulAdd(a, b, c); }
  static HWY_INLINE Vec max(Vec a, Vec b) { return hn::Max(a, b); }
  static HWY_INLINE Vec min(Vec a, Vec b) { return hn::Min(a, b); }
  static HWY_INLINE Vec abs(Vec a) { return hn::Abs(a); }
  static HWY_INLINE Vec sqrt(Vec a) { return hn::Sqrt(a); }
  static HWY_INLINE Vec divide(Vec a, Vec b) { return cpu::HWY_NAMESPACE::divide(a, b); }
  static HWY_INLINE Vec exp_nonpositive(Vec x) { return cpu::HWY_NAMESPACE::exp_nonpositive(x); }
  static HWY_INLINE Mask less(Vec a, Vec b) { return hn::Lt(a, b); }
  static HWY_INLINE Vec select(Mask mask, Vec yes, Vec no) { return hn::IfThenElse(mask, yes, no); }
};

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
