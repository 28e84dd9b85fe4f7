// Bringing rows of bf16 activations into the forms that AMX multiplies, for sums over rows: dw = dy^T x.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace gyrus::backend::cpu::amx {

// Two rows of positions whose channels are to lie side by side: pairs (first[p][c], second[p][c]).
struct PairedRows {
  const bf16_t *first = nullptr, *second = nullptr;  // [count][channels], `stride` elements from position to position
  std::int64_t first_count = 0, second_count = 0;    // positions there are; the rest up to `count` is zero
  std::int64_t stride = 0;
};

// Channels are taken 32 at a time: the even ones make one row of 64 bytes, [16 channels][2], the odd ones another, so
// that pairing costs a shift and a select instead of shuffles. channel_of(b, lane) says which channel that is.
inline constexpr std::int64_t kGroup = 32;
inline constexpr std::int64_t groups_of(std::int64_t channels) { return (channels + kGroup - 1) / kGroup; }
inline constexpr std::int64_t channel_of(std::int64_t block, std::int64_t lane) {
  return block / 2 * kGroup + 2 * lane + block % 2;
}

// Writes `count` positions of 64 bytes for each block: block b, position p goes to to + b block_stride + 64 p. There
// are 2 groups_of(channels) blocks; channels beyond the last are zero.
void pack_pairs(const PairedRows& rows, std::int64_t count, std::int64_t channels, std::byte* to,
                std::int64_t block_stride);

// Transposes 16 rows of sixteen 32-bit numbers, `row_bytes` apart, to a tile; `to` may be `from` if it is one.
void transpose_tile(const std::byte* from, std::int64_t row_bytes, std::byte* to);

// Turns `tiles` tiles of [16 positions][16 channels][2] into [16 channels][16 positions][2], in place.
void transpose_tiles(std::byte* tile, std::int64_t tiles);

}  // namespace gyrus::backend::cpu::amx
