// The forms in which a matrix x [T, C] of one head (T tokens, C channels) enters products of tiles. T is rounded up to
// `padded`, a multiple of 32; what is beyond T is zero. "Pairs" of tokens are (2i, 2i + 1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/amx/tile_product.h"
#include "core/dtype.h"

namespace gyrus::backend::cpu::amx {

// A matrix in memory: `stride` elements from token to token.
struct TokenRows {
  const bf16_t* at = nullptr;
  std::int64_t tokens = 0, channels = 0, stride = 0;
};

inline constexpr std::int64_t round_to_32(std::int64_t count) { return (count + 31) / 32 * 32; }
// Bytes of any of the forms below.
inline constexpr std::int64_t operand_bytes(std::int64_t tokens, std::int64_t channels) {
  return round_to_32(tokens) * round_to_32(channels) * 2;
}

// Left operand of x z: rows as they are. [padded][C].
void copy_rows(const TokenRows& x, std::byte* to);
inline Operand rows_operand(const std::byte* rows, std::int64_t row_bytes, std::int64_t block) {
  return {rows + block * 32 * row_bytes, 16 * row_bytes, kRowBytes, row_bytes};
}

// Right operand of z x^T, from copy_rows's form: [token / 16][step of 32 channels] tiles of [16 pairs of channels][16
// tokens][2].
void transpose_rows(const std::byte* rows, std::int64_t padded, std::int64_t channels, std::byte* to);
inline Operand columns_operand(const std::byte* columns, std::int64_t channels, std::int64_t block) {
  const std::int64_t tile_bytes = channels / 32 * kTileBytes;
  return {columns + block * 2 * tile_bytes, tile_bytes, kTileBytes, kRowBytes};
}

// Right operand of z x: [parity and group of channels][step of 32 tokens] tiles of [16 pairs of tokens][16
// channels][2]; even channels of 32 in one tile, odd ones in the next (pack_pairs.h). Channels need not be a multiple
// of 32.
void pair_tokens(const TokenRows& x, std::byte* to);
// Left operand of x^T z, in place from the right one: tiles of [16 channels][16 pairs of tokens][2].
void transpose_pairs(std::byte* pairs, std::int64_t padded, std::int64_t channels);
inline Operand pairs_operand(const std::byte* pairs, std::int64_t padded, std::int64_t block) {
  const std::int64_t tile_bytes = padded / 32 * kTileBytes;
  return {pairs + block * 2 * tile_bytes, tile_bytes, kTileBytes, kRowBytes};
}

// Results. `tiles`: two tiles of f32 side by side, [2][16][16], of even and odd channels: `rows` rows to y, as bf16.
void write_even_odd(const std::byte* tiles, std::int64_t rows, bf16_t* y, std::int64_t stride);
// The same for a transposed result: four tiles [parity of channel][parity of token][16 channels][16 tokens] give
// 32 channels of `tokens` <= 32 tokens.
void write_transposed(const std::byte* tiles, std::int64_t tokens, bf16_t* y, std::int64_t stride);

}  // namespace gyrus::backend::cpu::amx
