#include "backend/cpu/amx/head_operands.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/amx/intrinsics.h"
#include "backend/cpu/amx/pack_pairs.h"

namespace gyrus::backend::cpu::amx {
namespace {

// Each number as bf16, in the lower half of its lane.
GYRUS_AMX_TARGET inline __m512i bf16_lanes(__m512 v) {
  return _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

// Sixteen channels of even number and the sixteen between them, as the 32 bf16 that lie in memory.
GYRUS_AMX_TARGET inline __m512i woven(__m512 even, __m512 odd) {
  return _mm512_or_si512(bf16_lanes(even), _mm512_slli_epi32(bf16_lanes(odd), 16));
}

}  // namespace

void copy_rows(const TokenRows& x, std::byte* to) {
  const auto row_bytes = static_cast<std::size_t>(x.channels) * sizeof(bf16_t);
  for (std::int64_t t = 0; t < x.tokens; ++t, to += row_bytes) std::memcpy(to, x.at + t * x.stride, row_bytes);
  std::memset(to, 0, static_cast<std::size_t>(round_to_32(x.tokens) - x.tokens) * row_bytes);
}

void transpose_rows(const std::byte* rows, std::int64_t padded, std::int64_t channels, std::byte* to) {
  for (std::int64_t t = 0; t < padded; t += kTileRows) {
    for (std::int64_t c = 0; c < channels; c += 32, to += kTileBytes) {
      transpose_tile(rows + (t * channels + c) * 2, channels * 2, to);
    }
  }
}

void pair_tokens(const TokenRows& x, std::byte* to) {
  const std::int64_t pairs = round_to_32(x.tokens) / 2;
  pack_pairs({x.at, x.at + x.stride, (x.tokens + 1) / 2, x.tokens / 2, 2 * x.stride}, pairs, x.channels, to,
             pairs * kRowBytes);
}

void transpose_pairs(std::byte* pairs, std::int64_t padded, std::int64_t channels) {
  transpose_tiles(pairs, padded / 32 * (round_to_32(channels) / 16));
}

GYRUS_AMX_TARGET void write_even_odd(const std::byte* tiles, std::int64_t rows, bf16_t* y, std::int64_t stride) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::byte* row = tiles + r * kRowBytes;
    _mm512_storeu_si512(y + r * stride, woven(_mm512_load_ps(row), _mm512_load_ps(row + kTileBytes)));
  }
}

GYRUS_AMX_TARGET void write_transposed(const std::byte* tiles, std::int64_t tokens, bf16_t* y, std::int64_t stride) {
  alignas(64) std::byte turned[4 * kTileBytes];
  for (std::int64_t tile = 0; tile < 4; ++tile) {
    transpose_tile(tiles + tile * kTileBytes, kRowBytes, turned + tile * kTileBytes);
  }
  for (std::int64_t t = 0; t < std::min<std::int64_t>(tokens, 32); ++t) {
    const std::byte* row = turned + t % 2 * kTileBytes + t / 2 * kRowBytes;
    _mm512_storeu_si512(y + t * stride, woven(_mm512_load_ps(row), _mm512_load_ps(row + 2 * kTileBytes)));
  }
}

}  // namespace gyrus::backend::cpu::amx
