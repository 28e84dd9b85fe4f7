// Pairs of bf16 numbers as AVX512_BF16 multiplies them: two steps of a sum side by side in 32 bits, so that a pair
// takes an f32's place in loads, broadcasts and stores. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_BF16_PAIR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_BF16_PAIR_INL_H
#undef GYRUS_SIMD_BF16_PAIR_INL_H
#else
#define GYRUS_SIMD_BF16_PAIR_INL_H
#endif

#include "backend/cpu/simd/pack_hwy-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// Numbers that bf16 holds, widened, as the first and the second ones of pairs.
HWY_INLINE Vec pair(Vec first, Vec second) {
  const hn::RebindToUnsigned<F32> d32;
  return hn::BitCast(F32(), hn::Or(hn::ShiftRight<16>(hn::BitCast(d32, first)), hn::BitCast(d32, second)));
}

// sum + left right; of pairs, sum + the products of both. Only where the processor has the instruction and vectors are
// as long as the longest that it takes; inline assembly, for Highway 1.0 has no target with it.
template <bool kInPairs>
HWY_INLINE Vec multiply_add(Vec left, Vec right, Vec sum) {
#if HWY_MAX_BYTES == 64
  if constexpr (kInPairs) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(left.raw), "v"(right.raw));
    return sum;
  }
#endif
  return hn::MulAdd(left, right, sum);
}

#if HWY_MAX_BYTES == 64
using Half = hn::Rebind<std::uint16_t, F32>;

// Rounded to bf16 by the processor, to nearest even; numbers below 2^-126 become zero.
HWY_INLINE hn::Vec<Half> rounded_bits(Vec v) {
  hn::Vec<Half> bits;
  __asm__("vcvtneps2bf16 %1, %0" : "=v"(bits.raw) : "v"(v.raw));
  return bits;
}

// The first `count` numbers, sixteen at most; nothing beyond them is touched.
HWY_INLINE void store_up_to(bf16_t* p, hn::Vec<Half> bits, std::int64_t count) {
  auto* to = reinterpret_cast<std::uint16_t*>(p);
  if (count >= lanes()) return hn::StoreU(bits, Half(), to);
  hn::BlendedStore(bits, hn::FirstN(Half(), static_cast<std::size_t>(count)), Half(), to);
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
