// The innermost product of the gradient of a weight: a tile of sums, some channels of x by some vectors of output
// channels, kept in registers over all positions of a chunk. A step of one position, or of a pair, is kA broadcasts, kB
// loads and kA kB multiply-adds of a vector: with 5 or 6 channels by 4 vectors (AVX-512) or by 2 (16 registers) the
// multiply-adds are the limit. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_GRAD_WEIGHT_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_GRAD_WEIGHT_TILE_INL_H
#undef GYRUS_SIMD_GRAD_WEIGHT_TILE_INL_H
#else
#define GYRUS_SIMD_GRAD_WEIGHT_TILE_INL_H
#endif

#include "backend/cpu/simd/bf16_pair-inl.h"
#include "backend/cpu/simd/register_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// The positions of a chunk in packed x are `segments` runs of `length` positions, `x_step` floats apart; in packed dy
// they follow each other.
struct TileOperands {
  const float *x = nullptr, *dy = nullptr;
  const std::int64_t* segments = nullptr;  // where each begins in x, floats
  std::int64_t segment_count = 0, length = 0, x_step = 0;
  bool is_first = false;  // the sums start here
  // Memory to bring into the L2 cache meanwhile, so many bytes with each position; of pairs also what lies so far
  // behind.
  const char* fetch = nullptr;
  std::int64_t fetch_step = 0, fetch_partner = 0;
};

// sums [kA][kB vectors] (+)= the chunk's products.
template <bool kInPairs, int kA, int kB>
void add_tile(const TileOperands& t, float* HWY_RESTRICT sums) {
  const std::int64_t step = lanes();
  // Unrolled early, or GCC 12 sends the sums through the stack before and after the loop.
  Vec sum[kA][kB];
#pragma GCC unroll 8
  for (int a = 0; a < kA; ++a) {
#pragma GCC unroll 8
    for (int b = 0; b < kB; ++b) sum[a][b] = zero();
  }
  const float* HWY_RESTRICT dy = t.dy;
  const char* fetch = t.fetch;
  for (std::int64_t s = 0; s < t.segment_count; ++s) {
    const float* HWY_RESTRICT x = t.x + t.segments[s];
    for (std::int64_t i = 0; i < t.length; ++i) {
      __builtin_prefetch(fetch, 0, 2);
      if constexpr (kInPairs) __builtin_prefetch(fetch + t.fetch_partner, 0, 2);
      fetch += t.fetch_step;
      Vec right[kB];
#pragma GCC unroll 8
      for (int b = 0; b < kB; ++b) right[b] = load(dy + b * step);
#pragma GCC unroll 8
      for (int a = 0; a < kA; ++a) {
        const Vec left = set(x[a]);
#pragma GCC unroll 8
        for (int b = 0; b < kB; ++b) sum[a][b] = multiply_add<kInPairs>(left, right[b], sum[a][b]);
      }
      x += t.x_step;
      dy += kB * step;
    }
  }
#pragma GCC unroll 8
  for (int a = 0; a < kA; ++a) {
#pragma GCC unroll 8
    for (int b = 0; b < kB; ++b) {
      float* to = sums + (a * kB + b) * step;
      store(to, t.is_first ? sum[a][b] : hn::Add(sum[a][b], load(to)));
    }
  }
}

using AddTile = void (*)(const TileOperands&, float* HWY_RESTRICT);

template <bool kInPairs, int kB>
HWY_INLINE AddTile tile_of(std::int64_t channels) {
  static constexpr AddTile kTiles[kTileRows] = {add_tile<kInPairs, 1, kB>, add_tile<kInPairs, 2, kB>,
                                                add_tile<kInPairs, 3, kB>, add_tile<kInPairs, 4, kB>,
                                                add_tile<kInPairs, 5, kB>, add_tile<kInPairs, 6, kB>};
  return kTiles[channels - 1];
}

// The product for so many channels of x by so many vectors.
template <bool kInPairs>
HWY_INLINE AddTile tile_of(std::int64_t channels, std::int64_t vectors) {
  if (vectors == 1) return tile_of<kInPairs, 1>(channels);
#if HWY_TARGET <= HWY_AVX3
  if (vectors == 3) return tile_of<kInPairs, 3>(channels);
  if (vectors == 4) return tile_of<kInPairs, 4>(channels);
#endif
  return tile_of<kInPairs, 2>(channels);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
