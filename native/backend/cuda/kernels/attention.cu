// Attention in f32 arithmetic, a warp a token: for f32 programs and head widths that cuDNN's fused kernels do not take.
// Per element of qkv's third (N T D of them), A bytes of the element type, T tokens, heads of width W:
//   attention           4 T operations (scores and products); reads each head's K and V once a block of 8 tokens,
//                       A T / 4 bytes from L1 and L2; from memory 3 A; writes A of y and A T / W of probabilities
//   attention_backward  two kernels, one a row of the scores and one a column, so that no sum has two writers: each
//                       computes dP = dY V^T for itself, 10 T operations in all; from memory 4 A and A T / W of the
//                       probabilities, which the second kernel reads twice; writes 3 A
// A row of scores is worked on in tiles of kTile tokens, which a block's shared memory holds. Where there is more than
// one, scores are computed anew for the maximum, the sum and the weights: 8 T operations forward, 12 T backward.
// The derivation: reference/naive_attention.cpp.
#include "backend/cuda/kernels/attention.h"

#include <cmath>

#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/rows.h"
#include "math/softmax_terms.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kTile = 512;  // tokens; with kMostHeadDim what a block's shared memory holds for its warps

// Grid: x counts groups of kWarpsPerBlock tokens of all heads, y images.
struct HeadGeometry {
  std::int64_t tokens, heads, head_dim;
  float scale;

  GYRUS_DEVICE std::int64_t width() const { return heads * head_dim; }
  std::int64_t groups() const { return divide_up(tokens, kWarpsPerBlock); }
};

// The token that a warp works on, and where its head lies in the arrays. Warps beyond the last token only keep the
// others' barriers company.
struct HeadPlace {
  std::int64_t image, head, token;
  bool is_inside;

  GYRUS_DEVICE HeadPlace(const HeadGeometry& g, const Thread& thread) {
    const std::int64_t of_head = (g.tokens + kWarpsPerBlock - 1) / kWarpsPerBlock;
    image = thread.block_y();
    head = thread.block() / of_head;
    token = thread.block() % of_head * kWarpsPerBlock + thread.warp();
    is_inside = token < g.tokens;
  }
  // Element 0 of `which` (0 Q, 1 K, 2 V) of a token in [N, T, 3D].
  GYRUS_DEVICE std::int64_t packed(const HeadGeometry& g, int which, std::int64_t of_token) const {
    return ((image * g.tokens + of_token) * 3 + which) * g.width() + head * g.head_dim;
  }
  GYRUS_DEVICE std::int64_t plain(const HeadGeometry& g, std::int64_t of_token) const {
    return (image * g.tokens + of_token) * g.width() + head * g.head_dim;
  }
  // Of the probability [row, 0] in [N, heads, T, T].
  GYRUS_DEVICE std::int64_t row(const HeadGeometry& g, std::int64_t of_token) const {
    return ((image * g.heads + head) * g.tokens + of_token) * g.tokens;
  }
};

// Tokens of the tile that begins with `first`.
GYRUS_DEVICE int tile_size(const HeadGeometry& g, std::int64_t first) {
  const std::int64_t left = g.tokens - first;
  return left < kTile ? static_cast<int>(left) : kTile;
}

// The product of a head's vector in shared memory and one in an array.
template <class Shared, class T>
GYRUS_DEVICE float dot(const Shared& shared, int first, const T* other, std::int64_t head_dim) {
  float sum = 0;
  for (int e = 0; e < head_dim; ++e) sum = Scalar::mul_add(shared[first + e], as_float(other[e]), sum);
  return sum;
}

template <class T>
struct Attention {
  static constexpr const char* kName = "attention";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  HeadGeometry g;
  const T* qkv;
  T *y, *probabilities;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(float, query, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, sums, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, weights, kWarpsPerBlock* kTile);
    const HeadPlace place(g, thread);
    const int q0 = thread.warp() * kMostHeadDim, w0 = thread.warp() * kTile, lane = thread.lane();
    const T* from = qkv + place.packed(g, 0, place.token);
    for (int e = lane; e < g.head_dim && place.is_inside; e += 32) {
      query[q0 + e] = as_float(from[e]);
      sums[q0 + e] = 0;
    }
    thread.sync();
    const bool is_one_tile = g.tokens <= kTile;
    const auto score = [&](std::int64_t j) {
      return g.scale * dot(query, q0, qkv + place.packed(g, 1, j), g.head_dim);
    };
    float top = -INFINITY, sum = 0;
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float z = score(j);
      if (is_one_tile) weights[w0 + j] = z;
      if (z > top) top = z;
    }
    top = thread.warp_max(top);
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float term = math::softmax_term<Scalar>(1.0F, is_one_tile ? weights[w0 + j] : score(j), top);
      if (is_one_tile) weights[w0 + j] = term;
      sum += term;
    }
    const float inverse = 1 / thread.warp_sum(sum);
    T* row = probabilities + place.row(g, place.token);
    for (std::int64_t first = 0; first < g.tokens; first += kTile) {
      const int count = tile_size(g, first);
      for (int j = lane; j < count && place.is_inside; j += 32) {
        const float term =
            is_one_tile ? weights[w0 + j] : math::softmax_term<Scalar>(1.0F, score(first + j), top);
        weights[w0 + j] = term * inverse;
        set_rounded(row[first + j], term * inverse);
      }
      thread.sync();
      for (int e = lane; e < g.head_dim && place.is_inside; e += 32) {
        float total = sums[q0 + e];
        for (int j = 0; j < count; ++j) {
          total = Scalar::mul_add(weights[w0 + j], as_float(qkv[place.packed(g, 2, first + j) + e]), total);
        }
        sums[q0 + e] = total;
      }
      thread.sync();
    }
    if (!place.is_inside) return;
    T* to = y + place.plain(g, place.token);
    for (int e = lane; e < g.head_dim; e += 32) set_rounded(to[e], sums[q0 + e]);
  }
};

// Pointers of both kernels of the gradient.
template <class T>
struct AttentionGradient {
  HeadGeometry g;
  const T *dy, *qkv, *probabilities;
  T* dqkv;
  float* expected;  // [N, heads, T]: sum over k of P_ik dP_ik

  // One of the T numbers a head that `expected` holds.
  GYRUS_DEVICE float& expected_of(const HeadPlace& place, std::int64_t token) const {
    return expected[(place.image * g.heads + place.head) * g.tokens + token];
  }
};

// Row i: expected_i, and dQ_i = scale sum over j of dS_ij K_j with dS_ij = P_ij (dP_ij - expected_i).
template <class T>
struct AttentionRows {
  static constexpr const char* kName = "attention_backward, rows";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  AttentionGradient<T> a;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(float, upstream, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, sums, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, scores, kWarpsPerBlock* kTile);
    const HeadGeometry& g = a.g;
    const HeadPlace place(g, thread);
    const int u0 = thread.warp() * kMostHeadDim, s0 = thread.warp() * kTile, lane = thread.lane();
    const T *from = a.dy + place.plain(g, place.token), *row = a.probabilities + place.row(g, place.token);
    for (int e = lane; e < g.head_dim && place.is_inside; e += 32) {
      upstream[u0 + e] = as_float(from[e]);
      sums[u0 + e] = 0;
    }
    thread.sync();
    const bool is_one_tile = g.tokens <= kTile;
    const auto gradient = [&](std::int64_t j) {  // dP
      return dot(upstream, u0, a.qkv + place.packed(g, 2, j), g.head_dim);
    };
    float sum = 0;
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float dp = gradient(j);
      if (is_one_tile) scores[s0 + j] = dp;
      sum = Scalar::mul_add(as_float(row[j]), dp, sum);
    }
    sum = thread.warp_sum(sum);
    for (std::int64_t first = 0; first < g.tokens; first += kTile) {
      const int count = tile_size(g, first);
      for (int j = lane; j < count && place.is_inside; j += 32) {
        const float dp = is_one_tile ? scores[s0 + j] : gradient(first + j);
        scores[s0 + j] = as_float(row[first + j]) * (dp - sum);
      }
      thread.sync();
      for (int e = lane; e < g.head_dim && place.is_inside; e += 32) {
        float total = sums[u0 + e];
        for (int j = 0; j < count; ++j) {
          total = Scalar::mul_add(scores[s0 + j], as_float(a.qkv[place.packed(g, 1, first + j) + e]), total);
        }
        sums[u0 + e] = total;
      }
      thread.sync();
    }
    if (!place.is_inside) return;
    if (lane == 0) a.expected_of(place, place.token) = sum;
    T* to = a.dqkv + place.packed(g, 0, place.token);
    for (int e = lane; e < g.head_dim; e += 32) set_rounded(to[e], g.scale * sums[u0 + e]);
  }
};

// Column j: dK_j = scale sum over i of dS_ij Q_i and dV_j = sum over i of P_ij dY_i. The columns of dS and of P share
// the place: of the latter the second pass reads memory again.
template <class T>
struct AttentionColumns {
  static constexpr const char* kName = "attention_backward, columns";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  AttentionGradient<T> a;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(float, value, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, key_sums, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, value_sums, kWarpsPerBlock* kMostHeadDim);
    GYRUS_SHARED(float, scores, kWarpsPerBlock* kTile);
    const HeadGeometry& g = a.g;
    const HeadPlace place(g, thread);
    const int v0 = thread.warp() * kMostHeadDim, s0 = thread.warp() * kTile, lane = thread.lane();
    const std::int64_t j = place.token;
    const T* from = a.qkv + place.packed(g, 2, j);
    for (int e = lane; e < g.head_dim && place.is_inside; e += 32) {
      value[v0 + e] = as_float(from[e]);
      key_sums[v0 + e] = 0;
      value_sums[v0 + e] = 0;
    }
    thread.sync();
    for (std::int64_t first = 0; first < g.tokens; first += kTile) {
      const int count = tile_size(g, first);
      for (int i = lane; i < count && place.is_inside; i += 32) {
        const float dp = dot(value, v0, a.dy + place.plain(g, first + i), g.head_dim);
        const float p = as_float(a.probabilities[place.row(g, first + i) + j]);
        scores[s0 + i] = p * (dp - a.expected_of(place, first + i));
      }
      thread.sync();
      for (int e = lane; e < g.head_dim && place.is_inside; e += 32) {
        float of_key = key_sums[v0 + e], of_value = value_sums[v0 + e];
        for (int i = 0; i < count; ++i) {
          of_key = Scalar::mul_add(scores[s0 + i], as_float(a.qkv[place.packed(g, 0, first + i) + e]), of_key);
          const float p = as_float(a.probabilities[place.row(g, first + i) + j]);
          of_value = Scalar::mul_add(p, as_float(a.dy[place.plain(g, first + i) + e]), of_value);
        }
        key_sums[v0 + e] = of_key;
        value_sums[v0 + e] = of_value;
      }
      thread.sync();
    }
    if (!place.is_inside) return;
    T *dk = a.dqkv + place.packed(g, 1, j), *dv = a.dqkv + place.packed(g, 2, j);
    for (int e = lane; e < g.head_dim; e += 32) {
      set_rounded(dk[e], g.scale * key_sums[v0 + e]);
      set_rounded(dv[e], value_sums[v0 + e]);
    }
  }
};

// Args: AttentionArgs or AttentionBackwardArgs.
template <class Args>
HeadGeometry head_geometry(const Args& args) {
  GYRUS_CHECK(args.head_dim <= kMostHeadDim, Code::internal, "attention: heads of width ", args.head_dim,
              "; these kernels hold ", kMostHeadDim);
  const double scale = 1 / std::sqrt(static_cast<double>(args.head_dim));
  return {args.tokens, args.heads, args.head_dim, static_cast<float>(scale)};
}

}  // namespace

void attention_forward(Stream stream, const AttentionArgs& args) {
  const HeadGeometry g = head_geometry(args);
  for_dtype(args.dtype, [&]<class T>(T) {
    launch(
        stream, {g.groups() * g.heads, args.images},
        Attention<T>{g, static_cast<const T*>(args.qkv), static_cast<T*>(args.y), static_cast<T*>(args.probabilities)});
  });
}

std::int64_t attention_backward_scratch_bytes(const AttentionBackwardArgs& args) {
  return args.images * args.heads * args.tokens * static_cast<std::int64_t>(sizeof(float));
}

void attention_backward(Stream stream, const AttentionBackwardArgs& args) {
  const HeadGeometry g = head_geometry(args);
  for_dtype(args.dtype, [&]<class T>(T) {
    const AttentionGradient<T> gradient{g,
                                        static_cast<const T*>(args.dy),
                                        static_cast<const T*>(args.qkv),
                                        static_cast<const T*>(args.probabilities),
                                        static_cast<T*>(args.dqkv),
                                        static_cast<float*>(args.scratch)};
    const Grid grid{g.groups() * g.heads, args.images};
    launch(stream, grid, AttentionRows<T>{gradient});
    launch(stream, grid, AttentionColumns<T>{gradient});
  });
}

}  // namespace gyrus::backend::cuda
