// What the kernels of attention_tiles.h are made of: a warp has a strip of 16 rows in registers, a block's warps share
// tiles of 64 rows of the other side in shared memory. Seven warps make 112 rows: the 197 tokens of a ViT at 224 pixels
// are 13 strips, so that two blocks a head leave one warp idle.
#pragma once

#include <cmath>

#include "backend/cuda/kernels/attention_tiles.h"
#include "backend/cuda/kernels/mma.h"

namespace gyrus::backend::cuda::strips {

inline constexpr int kWarps = 7, kStrip = 16, kTile = 64;
inline constexpr float kLog2E = 1.44269504F, kLn2 = 0.693147181F;

// Words of a row in shared memory: four beyond the head's, so that eight rows lie in different banks.
template <int kSteps>
inline constexpr int kStride = 8 * kSteps + 4;

struct Heads {
  std::int64_t tokens, heads, width;  // of all heads
  int head_dim;
  float scale, scale2;  // of scores: as they are, and to the base 2

  std::int64_t groups() const { return divide_up(divide_up(tokens, kStrip), kWarps); }
};

// The strip that a warp works on, and where its head lies in the arrays.
struct StripPlace {
  std::int64_t image, head, row;
  bool has_rows;

  GYRUS_DEVICE StripPlace(const Heads& h, const Thread& thread) {
    const std::int64_t groups = (h.tokens + kStrip * kWarps - 1) / (kStrip * kWarps);
    image = thread.block_y();
    head = thread.block() / groups;
    row = (thread.block() % groups * kWarps + thread.warp()) * kStrip;
    has_rows = row < h.tokens;
  }
  // Token 0 of `which` (0 Q, 1 K, 2 V) in [N, T, 3D], in [N, T, D], and in [N, heads, T].
  GYRUS_DEVICE std::int64_t packed(const Heads& h, int which) const {
    return (image * h.tokens * 3 + which) * h.width + head * h.head_dim;
  }
  GYRUS_DEVICE std::int64_t plain(const Heads& h) const { return image * h.tokens * h.width + head * h.head_dim; }
  GYRUS_DEVICE std::int64_t stats(const Heads& h) const { return (image * h.heads + head) * h.tokens; }
};

// Rows of one head in an array.
template <class T>
struct Rows {
  T* first;
  std::int64_t stride;
  GYRUS_DEVICE T* at(std::int64_t row, std::int64_t column) const { return first + row * stride + column; }
};

// Of a thread: its two rows of a strip, and the first of its two columns in every eight.
struct ThreadPlace {
  std::int64_t rows[2];
  int column;
  GYRUS_DEVICE ThreadPlace(const StripPlace& place, const Thread& thread) {
    rows[0] = place.row + thread.lane() / 4;
    rows[1] = rows[0] + 8;
    column = thread.lane() % 4 * 2;
  }
};

// Sixteen rows as the left factor; those beyond the last token are zero.
template <int kSteps>
GYRUS_DEVICE void load_strip(LeftTile (&strip)[kSteps], const Heads& h, const ThreadPlace& mine,
                             const Rows<const bf16_t>& from) {
  GYRUS_UNROLL
  for (int k = 0; k < kSteps; ++k) {
    GYRUS_UNROLL
    for (int i = 0; i < 4; ++i) {
      const std::int64_t row = mine.rows[i % 2];
      strip[k].at[i] = 0;
      if (row >= h.tokens) continue;
      const auto pair = load_chunk<Chunk<bf16_t, 2>>(from.at(row, 16 * k + i / 2 * 8 + mine.column));
      strip[k].at[i] = std::uint32_t{pair.at[0].bits} | std::uint32_t{pair.at[1].bits} << 16U;
    }
  }
}

// The tile from row `first` into shared memory; rows beyond the last token are zero. All threads of the block.
template <int kSteps, class Shared>
GYRUS_DEVICE void load_tile(const Thread& thread, Shared&& shared, const Heads& h, const Rows<const bf16_t>& from,
                            std::int64_t first) {
  constexpr int kChunks = 2 * kSteps;
  for (int i = thread.index(); i < kTile * kChunks; i += 32 * kWarps) {
    const int row = i / kChunks, chunk = i % kChunks;
    Chunk<bf16_t, 8> values{};
    if (first + row < h.tokens) values = load_chunk<Chunk<bf16_t, 8>>(from.at(first + row, 8 * chunk));
    store_words(shared, row * kStride<kSteps> + 4 * chunk, values);
  }
}

// Strip times tile, transposed: columns [8 n, 8 n + 8) of the tile's rows.
template <int kSteps, class Shared>
GYRUS_DEVICE SumTile scores_of(const Thread& thread, const LeftTile (&strip)[kSteps], const Shared& tile, int n) {
  SumTile sums{};
  GYRUS_UNROLL
  for (int k = 0; k < kSteps; ++k) {
    multiply_add(thread, sums, strip[k], load_across(thread, tile, 8 * n * kStride<kSteps> + 8 * k, kStride<kSteps>));
  }
  return sums;
}

// Weights of sixteen rows of the tile, from row 16 j, times these rows.
template <int kSteps, class Shared>
GYRUS_DEVICE void add_weighted(const Thread& thread, SumTile (&sums)[2 * kSteps], const LeftTile& weights,
                               const Shared& tile, int j) {
  GYRUS_UNROLL
  for (int n = 0; n < 2 * kSteps; ++n) {
    multiply_add(thread, sums[n], weights, load_down(thread, tile, 16 * j * kStride<kSteps> + 4 * n, kStride<kSteps>));
  }
}

template <int kSteps>
GYRUS_DEVICE void store_strip(const SumTile (&sums)[2 * kSteps], const float (&factors)[2], const Heads& h,
                              const ThreadPlace& mine, const Rows<bf16_t>& to) {
  GYRUS_UNROLL
  for (int n = 0; n < 2 * kSteps; ++n) {
    GYRUS_UNROLL
    for (int r = 0; r < 2; ++r) {
      if (mine.rows[r] >= h.tokens) continue;
      Chunk<bf16_t, 2> pair;
      set_rounded(pair.at[0], sums[n].at[2 * r] * factors[r]);
      set_rounded(pair.at[1], sums[n].at[2 * r + 1] * factors[r]);
      store_chunk(to.at(mine.rows[r], 8 * n + mine.column), pair);
    }
  }
}

GYRUS_DEVICE float exp2_of(float x) { return std::exp2(x); }

template <class Args>
Heads heads_of(const Args& args) {
  const double scale = 1 / std::sqrt(static_cast<double>(args.head_dim));
  return {args.tokens,
          args.heads,
          args.heads * args.head_dim,
          static_cast<int>(args.head_dim),
          static_cast<float>(scale),
          static_cast<float>(scale * 1.4426950408889634)};
}

// Calls visit(Width<N>{}): the head's width is N times 16.
template <class Visit>
void for_steps(std::int64_t head_dim, const Visit& visit) {
  GYRUS_CHECK(has_attention_tiles(head_dim), Code::internal, "attention: no tiles for heads of width ", head_dim);
  switch (head_dim / 16) {
    case 1:
      return visit(Width<1>{});
    case 2:
      return visit(Width<2>{});
    case 3:
      return visit(Width<3>{});
    default:
      return visit(Width<4>{});
  }
}

}  // namespace gyrus::backend::cuda::strips
