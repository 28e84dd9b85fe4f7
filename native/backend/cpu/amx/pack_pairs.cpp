#include "backend/cpu/amx/pack_pairs.h"

#include <algorithm>
#include <cstddef>

#include "backend/cpu/amx/intrinsics.h"
#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::backend::cpu::amx {
namespace {

GYRUS_AMX_TARGET inline __mmask32 first_lanes(std::int64_t count) {
  return count >= kGroup ? 0xffffffffU : (1U << count) - 1U;
}

// `position` rows of 32 channels: even channels to `to`, odd ones `block_stride` behind.
GYRUS_AMX_TARGET inline void pack_group(__m512i first, __m512i second, std::byte* to, std::int64_t block_stride) {
  const __m512i lower_half = _mm512_set1_epi32(0xffff);
  // 0xca: bits of the second operand where the first has ones, of the third elsewhere.
  _mm512_store_si512(to, _mm512_ternarylogic_epi32(lower_half, first, _mm512_slli_epi32(second, 16), 0xca));
  _mm512_store_si512(to + block_stride,
                     _mm512_ternarylogic_epi32(lower_half, _mm512_srli_epi32(first, 16), second, 0xca));
}

template <bool kIsThere>
GYRUS_AMX_TARGET inline __m512i read_channels(const bf16_t* from, __mmask32 mask) {
  if constexpr (kIsThere) return _mm512_maskz_loadu_epi16(mask, from);
  return _mm512_setzero_si512();
}

template <bool kHasFirst, bool kHasSecond>
GYRUS_AMX_TARGET void pack_range(const PairedRows& rows, std::int64_t begin, std::int64_t end, std::int64_t channels,
                                 std::byte* to, std::int64_t block_stride) {
  const std::int64_t groups = groups_of(channels);
  const __mmask32 last = first_lanes(channels - (groups - 1) * kGroup);
  for (std::int64_t p = begin; p < end; ++p) {
    const bf16_t* first = rows.first + p * rows.stride;
    const bf16_t* second = rows.second + p * rows.stride;
    std::byte* at = to + p * kRowBytes;
    for (std::int64_t g = 0; g < groups; ++g, at += 2 * block_stride) {
      const __mmask32 mask = g + 1 < groups ? 0xffffffffU : last;
      pack_group(read_channels<kHasFirst>(first + g * kGroup, mask),
                 read_channels<kHasSecond>(second + g * kGroup, mask), at, block_stride);
    }
  }
}

}  // namespace

void pack_pairs(const PairedRows& rows, std::int64_t count, std::int64_t channels, std::byte* to,
                std::int64_t block_stride) {
  const std::int64_t first = std::min(rows.first_count, count), second = std::min(rows.second_count, count);
  const std::int64_t both = std::min(first, second), any = std::max(first, second);
  pack_range<true, true>(rows, 0, both, channels, to, block_stride);
  if (first > second) pack_range<true, false>(rows, both, any, channels, to, block_stride);
  if (second > first) pack_range<false, true>(rows, both, any, channels, to, block_stride);
  pack_range<false, false>(rows, any, count, channels, to, block_stride);
}

// The loads gather rows k, k+4, k+8, k+12 of a group of four columns in the 128-bit lanes of one register, and two
// rounds of unpacking within the lanes do the rest.
GYRUS_AMX_TARGET void transpose_tile(const std::byte* from, std::int64_t row_bytes, std::byte* to) {
  __m512i in[4][4];  // [group of columns][k]
  for (int group = 0; group < 4; ++group) {
    for (int k = 0; k < 4; ++k) {
      const auto chunk = [&](int row) GYRUS_AMX_TARGET {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + row * row_bytes + group * 16));
      };
      __m512i v = _mm512_castsi128_si512(chunk(k));
      v = _mm512_inserti32x4(v, chunk(k + 4), 1);
      v = _mm512_inserti32x4(v, chunk(k + 8), 2);
      in[group][k] = _mm512_inserti32x4(v, chunk(k + 12), 3);
    }
  }
  for (int group = 0; group < 4; ++group) {
    const __m512i low01 = _mm512_unpacklo_epi32(in[group][0], in[group][1]);
    const __m512i low23 = _mm512_unpacklo_epi32(in[group][2], in[group][3]);
    const __m512i high01 = _mm512_unpackhi_epi32(in[group][0], in[group][1]);
    const __m512i high23 = _mm512_unpackhi_epi32(in[group][2], in[group][3]);
    std::byte* out = to + 4 * group * kRowBytes;
    _mm512_store_si512(out, _mm512_unpacklo_epi64(low01, low23));
    _mm512_store_si512(out + kRowBytes, _mm512_unpackhi_epi64(low01, low23));
    _mm512_store_si512(out + 2 * kRowBytes, _mm512_unpacklo_epi64(high01, high23));
    _mm512_store_si512(out + 3 * kRowBytes, _mm512_unpackhi_epi64(high01, high23));
  }
}

void transpose_tiles(std::byte* tile, std::int64_t tiles) {
  for (std::int64_t t = 0; t < tiles; ++t, tile += kTileBytes) transpose_tile(tile, kRowBytes, tile);
}

}  // namespace gyrus::backend::cpu::amx
