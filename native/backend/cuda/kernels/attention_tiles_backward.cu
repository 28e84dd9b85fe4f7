// Backward, per head of width W, of T tokens: two kernels, one by rows and one by columns of the scores, so that no sum
// has two writers and no order is left open. 6 and 8 T^2 W operations, of which 4 T^2 W compute the scores and
// dP = dY V^T a second time; each reads Q, K, V and dY, the first y as well, and both together write 3 T W numbers.
// P and dS are rounded to bf16 where they are factors.
#include "backend/cuda/kernels/attention_strips.h"
#include "backend/cuda/kernels/attention_tiles.h"

namespace gyrus::backend::cuda {
namespace {

using namespace strips;  // NOLINT(google-build-using-namespace): its vocabulary

// Pointers of both kernels of the gradient.
struct TilesGradient {
  Heads h;
  const bf16_t *dy, *qkv, *y;
  const float* stats;
  bf16_t* dqkv;
  float* expected;  // [N, heads, T]: sum over the width of y dY, which is the sum over k of P_ik dP_ik

  GYRUS_DEVICE Rows<const bf16_t> packed(const StripPlace& place, int which) const {
    return {qkv + place.packed(h, which), 3 * h.width};
  }
  GYRUS_DEVICE Rows<const bf16_t> upstream(const StripPlace& place) const { return {dy + place.plain(h), h.width}; }
  GYRUS_DEVICE Rows<bf16_t> gradient(const StripPlace& place, int which) const {
    return {dqkv + place.packed(h, which), 3 * h.width};
  }
};

// Row i: expected_i, and dQ_i = scale sum over j of dS_ij K_j with dS_ij = P_ij (dP_ij - expected_i).
template <int kSteps>
struct TilesRows {
  static constexpr const char* kName = "attention_backward, rows in tiles";
  static constexpr int kThreads = 32 * kWarps;
  static constexpr bool kIsCooperative = true;
  TilesGradient a;

  // The sum over the width of y and dY, of the thread's two rows.
  GYRUS_DEVICE void expect(const Thread& thread, const ThreadPlace& mine, const StripPlace& place,
                           const LeftTile (&upstream)[kSteps], float (&expected)[2]) const {
    LeftTile y[kSteps];
    load_strip(y, a.h, mine, {a.y + place.plain(a.h), a.h.width});
    expected[0] = expected[1] = 0;
    GYRUS_UNROLL
    for (int k = 0; k < kSteps; ++k) {
      GYRUS_UNROLL
      for (int i = 0; i < 4; ++i) {
        for (int shift = 0; shift < 32; shift += 16) {
          const auto one = static_cast<std::uint16_t>(y[k].at[i] >> shift);
          const auto other = static_cast<std::uint16_t>(upstream[k].at[i] >> shift);
          expected[i % 2] = Scalar::mul_add(as_float(bf16_t{one}), as_float(bf16_t{other}), expected[i % 2]);
        }
      }
    }
    GYRUS_UNROLL
    for (int r = 0; r < 2; ++r) {
      expected[r] = thread.quad_sum(expected[r]);
      if (thread.lane() % 4 == 0 && mine.rows[r] < a.h.tokens) {
        a.expected[place.stats(a.h) + mine.rows[r]] = expected[r];
      }
    }
  }

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(std::uint32_t, keys, kTile* kStride<kSteps>);
    GYRUS_SHARED(std::uint32_t, values, kTile* kStride<kSteps>);
    const Heads& h = a.h;
    const StripPlace place(h, thread);
    const ThreadPlace mine(place, thread);
    LeftTile query[kSteps], upstream[kSteps];
    load_strip(query, h, mine, a.packed(place, 0));
    load_strip(upstream, h, mine, a.upstream(place));
    float expected[2], stats[2] = {0, 0};
    expect(thread, mine, place, upstream, expected);
    for (int r = 0; r < 2; ++r) {
      if (mine.rows[r] < h.tokens) stats[r] = a.stats[place.stats(h) + mine.rows[r]] * kLog2E;
    }
    SumTile sums[2 * kSteps] = {};
    for (std::int64_t first = 0; first < h.tokens; first += kTile) {
      thread.sync();
      load_tile<kSteps>(thread, keys, h, a.packed(place, 1), first);
      load_tile<kSteps>(thread, values, h, a.packed(place, 2), first);
      thread.sync();
      if (!place.has_rows) continue;
      const int count = h.tokens - first < kTile ? static_cast<int>(h.tokens - first) : kTile;
      for (int j = 0; 16 * j < count; ++j) {
        SumTile both[2];
        GYRUS_UNROLL
        for (int half = 0; half < 2; ++half) {
          const SumTile s = scores_of<kSteps>(thread, query, keys, 2 * j + half);
          const SumTile dp = scores_of<kSteps>(thread, upstream, values, 2 * j + half);
          GYRUS_UNROLL
          for (int i = 0; i < 4; ++i) {
            const bool is_inside = 16 * j + 8 * half + mine.column + i % 2 < count;
            const float p = exp2_of(s.at[i] * h.scale2 - stats[i / 2]);
            both[half].at[i] = is_inside ? p * (dp.at[i] - expected[i / 2]) : 0;
          }
        }
        add_weighted<kSteps>(thread, sums, rounded_tile(both[0], both[1]), keys, j);
      }
    }
    if (!place.has_rows) return;
    const float factors[2] = {h.scale, h.scale};
    store_strip<kSteps>(sums, factors, h, mine, a.gradient(place, 0));
  }
};

// Column j: dK_j = scale sum over i of dS_ij Q_i and dV_j = sum over i of P_ij dY_i. Here a strip is of keys.
template <int kSteps>
struct TilesColumns {
  static constexpr const char* kName = "attention_backward, columns in tiles";
  static constexpr int kThreads = 32 * kWarps;
  static constexpr bool kIsCooperative = true;
  TilesGradient a;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(std::uint32_t, queries, kTile* kStride<kSteps>);
    GYRUS_SHARED(std::uint32_t, upstreams, kTile* kStride<kSteps>);
    GYRUS_SHARED(float, stats, kTile);
    GYRUS_SHARED(float, expected, kTile);
    const Heads& h = a.h;
    const StripPlace place(h, thread);
    const ThreadPlace mine(place, thread);
    LeftTile key[kSteps], value[kSteps];
    load_strip(key, h, mine, a.packed(place, 1));
    load_strip(value, h, mine, a.packed(place, 2));
    SumTile key_sums[2 * kSteps] = {}, value_sums[2 * kSteps] = {};
    for (std::int64_t first = 0; first < h.tokens; first += kTile) {
      thread.sync();
      load_tile<kSteps>(thread, queries, h, a.packed(place, 0), first);
      load_tile<kSteps>(thread, upstreams, h, a.upstream(place), first);
      if (thread.index() < kTile) {
        const std::int64_t row = first + thread.index();
        const bool is_inside = row < h.tokens;
        stats[thread.index()] = is_inside ? a.stats[place.stats(h) + row] * kLog2E : 0;
        expected[thread.index()] = is_inside ? a.expected[place.stats(h) + row] : 0;
      }
      thread.sync();
      if (!place.has_rows) continue;
      const int count = h.tokens - first < kTile ? static_cast<int>(h.tokens - first) : kTile;
      for (int j = 0; 16 * j < count; ++j) {
        SumTile p[2], ds[2];
        GYRUS_UNROLL
        for (int half = 0; half < 2; ++half) {
          const SumTile s = scores_of<kSteps>(thread, key, queries, 2 * j + half);
          const SumTile dp = scores_of<kSteps>(thread, value, upstreams, 2 * j + half);
          GYRUS_UNROLL
          for (int i = 0; i < 4; ++i) {
            const int column = 16 * j + 8 * half + mine.column + i % 2;
            const float weight = exp2_of(s.at[i] * h.scale2 - stats[column]);
            // Beyond the last token Q and dY are zero, and whatever weighs them must be finite.
            p[half].at[i] = column < count ? weight : 0;
            ds[half].at[i] = column < count ? weight * (dp.at[i] - expected[column]) : 0;
          }
        }
        add_weighted<kSteps>(thread, value_sums, rounded_tile(p[0], p[1]), upstreams, j);
        add_weighted<kSteps>(thread, key_sums, rounded_tile(ds[0], ds[1]), queries, j);
      }
    }
    if (!place.has_rows) return;
    const float of_keys[2] = {h.scale, h.scale}, of_values[2] = {1, 1};
    store_strip<kSteps>(key_sums, of_keys, h, mine, a.gradient(place, 1));
    store_strip<kSteps>(value_sums, of_values, h, mine, a.gradient(place, 2));
  }
};

}  // namespace

std::int64_t attention_tiles_backward_scratch_bytes(const AttentionTilesBackwardArgs& args) {
  return args.images * args.heads * args.tokens * static_cast<std::int64_t>(sizeof(float));
}

void attention_tiles_backward(Stream stream, const AttentionTilesBackwardArgs& args) {
  const TilesGradient gradient{heads_of(args),
                               static_cast<const bf16_t*>(args.dy),
                               static_cast<const bf16_t*>(args.qkv),
                               static_cast<const bf16_t*>(args.y),
                               args.stats,
                               static_cast<bf16_t*>(args.dqkv),
                               static_cast<float*>(args.scratch)};
  const Grid grid{gradient.h.groups() * gradient.h.heads, args.images};
  for_steps(args.head_dim, [&]<int kSteps>(Width<kSteps>) {
    launch(stream, grid, TilesRows<kSteps>{gradient});
    launch(stream, grid, TilesColumns<kSteps>{gradient});
  });
}

}  // namespace gyrus::backend::cuda
