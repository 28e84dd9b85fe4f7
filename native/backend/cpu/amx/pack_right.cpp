#include "backend/cpu/amx/pack_right.h"

#include "backend/cpu/amx/intrinsics.h"
#include "backend/cpu/amx/pack_pairs.h"
#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::backend::cpu::amx {
namespace {

GYRUS_AMX_TARGET inline __m512i bf16_lanes(__m512 v) {
  return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

}  // namespace

GYRUS_AMX_TARGET void pack_transposed(const float* w, std::int64_t inner, const Range& groups, std::byte* to) {
  alignas(64) std::byte rows[kTileBytes];  // [16 columns][32 inner]
  for (std::int64_t column = groups.begin * 2; column < groups.end * 2; ++column) {
    const float* first = w + column * kTileRows * inner;
    std::byte* out = to + column / 2 * group_bytes(inner) + column % 2 * kTileBytes;
    for (std::int64_t k = 0; k < inner; k += 32, out += 2 * kTileBytes) {
      for (std::int64_t c = 0; c < kTileRows; ++c) {
        const float* from = first + c * inner + k;
        const auto pairs = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + 16), _mm512_loadu_ps(from));
        _mm512_store_si512(rows + c * kRowBytes, reinterpret_cast<__m512i>(pairs));
      }
      transpose_tile(rows, kRowBytes, out);
    }
  }
}

GYRUS_AMX_TARGET void pack_plain(const float* w, std::int64_t inner, std::int64_t columns, const Range& groups,
                                 std::byte* to) {
  for (std::int64_t group = groups.begin; group < groups.end; ++group) {
    std::byte* out = to + group * group_bytes(inner);
    for (std::int64_t k = 0; k < inner; k += 2) {
      const float* even = w + k * columns + group * 32;
      const float* odd = even + columns;
      std::byte* row = out + k / 32 * 2 * kTileBytes + k % 32 / 2 * kRowBytes;
      for (std::int64_t tile = 0; tile < 2; ++tile) {
        const __m512i pairs = _mm512_or_si512(bf16_lanes(_mm512_loadu_ps(even + tile * 16)),
                                              _mm512_slli_epi32(bf16_lanes(_mm512_loadu_ps(odd + tile * 16)), 16));
        _mm512_store_si512(row + tile * kTileBytes, pairs);
      }
    }
  }
}

}  // namespace gyrus::backend::cpu::amx
