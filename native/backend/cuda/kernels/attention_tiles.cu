// Forward, per head of width W, of T tokens: scores and their softmax tile after tile, as the maximum grows (Milakov
// and Gimelshein, arXiv:1805.02867; Dao, arXiv:2307.08691). 4 T^2 W operations; reads Q once and K and V once a block
// of 112 rows, writes y and 4 T bytes. Operands are bf16 and sums f32; the weights are rounded to bf16 where they are
// factors.
#include "backend/cuda/kernels/attention_tiles.h"

#include "backend/cuda/kernels/attention_strips.h"

namespace gyrus::backend::cuda {
namespace {

using namespace strips;  // NOLINT(google-build-using-namespace): its vocabulary

template <int kSteps>
struct TilesForward {
  static constexpr const char* kName = "attention, tiles";
  static constexpr int kThreads = 32 * kWarps;
  static constexpr bool kIsCooperative = true;
  Heads h;
  const bf16_t* qkv;
  bf16_t* y;
  float* stats;

  // Of a thread's two rows: the largest score so far, to the base 2, and the sum of its weights.
  struct Softmax {
    float tops[2] = {-INFINITY, -INFINITY}, totals[2] = {0, 0};
  };

  // Scores of a tile of `count` tokens become weights; what was summed before is weighed anew.
  GYRUS_DEVICE void weigh(const Thread& thread, const ThreadPlace& mine, int count, SumTile (&scores)[kTile / 8],
                          SumTile (&sums)[2 * kSteps], Softmax& softmax) const {
    float next[2] = {softmax.tops[0], softmax.tops[1]};
    GYRUS_UNROLL
    for (int n = 0; n < kTile / 8; ++n) {
      GYRUS_UNROLL
      for (int i = 0; i < 4; ++i) {
        // Columns beyond the last token weigh nothing.
        scores[n].at[i] = 8 * n + mine.column + i % 2 < count ? scores[n].at[i] * h.scale2 : -INFINITY;
        if (scores[n].at[i] > next[i / 2]) next[i / 2] = scores[n].at[i];
      }
    }
    GYRUS_UNROLL
    for (int r = 0; r < 2; ++r) {
      next[r] = thread.quad_max(next[r]);
      const float factor = exp2_of(softmax.tops[r] - next[r]);
      softmax.tops[r] = next[r];
      softmax.totals[r] *= factor;
      GYRUS_UNROLL
      for (int n = 0; n < 2 * kSteps; ++n) {
        sums[n].at[2 * r] *= factor;
        sums[n].at[2 * r + 1] *= factor;
      }
    }
    GYRUS_UNROLL
    for (int n = 0; n < kTile / 8; ++n) {
      GYRUS_UNROLL
      for (int i = 0; i < 4; ++i) {
        scores[n].at[i] = exp2_of(scores[n].at[i] - softmax.tops[i / 2]);
        softmax.totals[i / 2] += scores[n].at[i];
      }
    }
  }

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(std::uint32_t, keys, kTile* kStride<kSteps>);
    GYRUS_SHARED(std::uint32_t, values, kTile* kStride<kSteps>);
    const StripPlace place(h, thread);
    const ThreadPlace mine(place, thread);
    LeftTile query[kSteps];
    load_strip(query, h, mine, {qkv + place.packed(h, 0), 3 * h.width});
    SumTile sums[2 * kSteps] = {};
    Softmax softmax;
    for (std::int64_t first = 0; first < h.tokens; first += kTile) {
      thread.sync();
      load_tile<kSteps>(thread, keys, h, {qkv + place.packed(h, 1), 3 * h.width}, first);
      load_tile<kSteps>(thread, values, h, {qkv + place.packed(h, 2), 3 * h.width}, first);
      thread.sync();
      if (!place.has_rows) continue;
      const int count = h.tokens - first < kTile ? static_cast<int>(h.tokens - first) : kTile;
      SumTile scores[kTile / 8] = {};
      GYRUS_UNROLL
      for (int n = 0; n < kTile / 8; ++n) {
        if (8 * n < count) scores[n] = scores_of<kSteps>(thread, query, keys, n);
      }
      weigh(thread, mine, count, scores, sums, softmax);
      GYRUS_UNROLL
      for (int j = 0; j < kTile / 16; ++j) {
        if (16 * j >= count) continue;
        add_weighted<kSteps>(thread, sums, rounded_tile(scores[2 * j], scores[2 * j + 1]), values, j);
      }
    }
    if (!place.has_rows) return;
    float inverse[2];
    GYRUS_UNROLL
    for (int r = 0; r < 2; ++r) {
      const float total = thread.quad_sum(softmax.totals[r]);
      inverse[r] = 1 / total;
      if (thread.lane() % 4 != 0 || mine.rows[r] >= h.tokens) continue;
      stats[place.stats(h) + mine.rows[r]] = (softmax.tops[r] + std::log2(total)) * kLn2;
    }
    store_strip<kSteps>(sums, inverse, h, mine, {y + place.plain(h), h.width});
  }
};

}  // namespace

bool has_attention_tiles(std::int64_t head_dim) { return head_dim > 0 && head_dim <= 64 && head_dim % 16 == 0; }

void attention_tiles_forward(Stream stream, const AttentionTilesArgs& args) {
  const Heads h = heads_of(args);
  for_steps(args.head_dim, [&]<int kSteps>(Width<kSteps>) {
    launch(stream, {h.groups() * h.heads, args.images},
           TilesForward<kSteps>{h, static_cast<const bf16_t*>(args.qkv), static_cast<bf16_t*>(args.y), args.stats});
  });
}

}  // namespace gyrus::backend::cuda
