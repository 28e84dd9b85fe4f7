// Sixteen vectors of sixteen 32-bit numbers as a matrix, transposed in registers: 64 shuffles for 256 numbers. Only for
// targets whose vectors are that long. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_TRANSPOSE16_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_TRANSPOSE16_INL_H
#undef GYRUS_SIMD_TRANSPOSE16_INL_H
#else
#define GYRUS_SIMD_TRANSPOSE16_INL_H
#endif

#include <array>
#include <cstddef>

#include "backend/cpu/simd/pack_hwy-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

constexpr std::size_t kSquare = 16;

#if HWY_MAX_BYTES == 64

using Square = std::array<Vec, kSquare>;

// Blocks are of 128 bits, as everywhere in Highway. First every 4 x 4 of numbers, a block from each of four rows; then
// every 4 x 4 of blocks.
HWY_INLINE void transpose(Square& v) {
  const F32 d;
  const hn::RepartitionToWide<F32> d64;
  const auto wide = [&](Vec x) HWY_ATTR { return hn::BitCast(d64, x); };
  Square u;
#pragma GCC unroll 4
  for (std::size_t r = 0; r < kSquare; r += 4) {
    const auto low01 = wide(hn::InterleaveLower(d, v[r], v[r + 1]));
    const auto low23 = wide(hn::InterleaveLower(d, v[r + 2], v[r + 3]));
    const auto high01 = wide(hn::InterleaveUpper(d, v[r], v[r + 1]));
    const auto high23 = wide(hn::InterleaveUpper(d, v[r + 2], v[r + 3]));
    u[r] = hn::BitCast(d, hn::InterleaveLower(d64, low01, low23));
    u[r + 1] = hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23));
    u[r + 2] = hn::BitCast(d, hn::InterleaveLower(d64, high01, high23));
    u[r + 3] = hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23));
  }
#pragma GCC unroll 4
  for (std::size_t c = 0; c < 4; ++c) {
    const Vec even01 = hn::ConcatLowerLower(d, u[c + 8], u[c]), odd01 = hn::ConcatLowerLower(d, u[c + 12], u[c + 4]);
    const Vec even23 = hn::ConcatUpperUpper(d, u[c + 8], u[c]), odd23 = hn::ConcatUpperUpper(d, u[c + 12], u[c + 4]);
    v[c] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(odd01), even01);
    v[c + 4] = hn::OddEvenBlocks(odd01, hn::SwapAdjacentBlocks(even01));
    v[c + 8] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(odd23), even23);
    v[c + 12] = hn::OddEvenBlocks(odd23, hn::SwapAdjacentBlocks(even23));
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
