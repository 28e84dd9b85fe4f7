// Attention in f32 arithmetic, a warp a token: for f32 programs and head widths that cuDNN's fused kernels do not take.
//   attention           4 T operations an element of qkv's part (scores and products); reads each head's K and V once a
//                       block of 8 tokens, from L1 and L2; writes y and the probabilities
//   attention_backward  two kernels, one a row of the scores and one a column, so that no sum has two writers: each
//                       computes dP = dY V^T for itself, 10 T operations an element in all; reads the probabilities
//                       twice
// The derivation: reference/naive_attention.cpp.
#include "backend/cuda/kernels/attention.h"

#include <cmath>

#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/rows.h"
#include "math/softmax_terms.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kMostTokens = 1024, kMostHeadDim = 128;  // what a block's shared memory holds for its warps

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
    GYRUS_SHARED(float, weights, kWarpsPerBlock* kMostTokens);
    const HeadPlace place(g, thread);
    const int q0 = thread.warp() * kMostHeadDim, w0 = thread.warp() * kMostTokens, lane = thread.lane();
    const T* from = qkv + place.packed(g, 0, place.token);
    for (int e = lane; e < g.head_dim && place.is_inside; e += 32) query[q0 + e] = as_float(from[e]);
    thread.sync();
    float top = -INFINITY, sum = 0;
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float score = g.scale * dot(query, q0, qkv + place.packed(g, 1, j), g.head_dim);
      weights[w0 + j] = score;
      if (score > top) top = score;
    }
    top = thread.warp_max(top);
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float term = math::softmax_term<Scalar>(1.0F, weights[w0 + j], top);
      weights[w0 + j] = term;
      sum += term;
    }
    const float inverse = 1 / thread.warp_sum(sum);
    T* row = probabilities + place.row(g, place.token);
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float p = weights[w0 + j] * inverse;
      weights[w0 + j] = p;
      set_rounded(row[j], p);
    }
    thread.sync();
    if (!place.is_inside) return;
    T* to = y + place.plain(g, place.token);
    for (int e = lane; e < g.head_dim; e += 32) {
      float total = 0;
      for (int j = 0; j < g.tokens; ++j) {
        total = Scalar::mul_add(weights[w0 + j], as_float(qkv[place.packed(g, 2, j) + e]), total);
      }
      set_rounded(to[e], total);
    }
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
    GYRUS_SHARED(float, scores, kWarpsPerBlock* kMostTokens);
    const HeadGeometry& g = a.g;
    const HeadPlace place(g, thread);
    const int u0 = thread.warp() * kMostHeadDim, s0 = thread.warp() * kMostTokens, lane = thread.lane();
    const T *from = a.dy + place.plain(g, place.token), *row = a.probabilities + place.row(g, place.token);
    for (int e = lane; e < g.head_dim && place.is_inside; e += 32) upstream[u0 + e] = as_float(from[e]);
    thread.sync();
    float sum = 0;
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float dp = dot(upstream, u0, a.qkv + place.packed(g, 2, j), g.head_dim);
      scores[s0 + j] = dp;
      sum = Scalar::mul_add(as_float(row[j]), dp, sum);
    }
    sum = thread.warp_sum(sum);
    for (int j = lane; j < g.tokens && place.is_inside; j += 32) {
      const float dp = scores[s0 + j];
      scores[s0 + j] = as_float(row[j]) * (dp - sum);
    }
    thread.sync();
    if (!place.is_inside) return;
    if (lane == 0) a.expected_of(place, place.token) = sum;
    T* to = a.dqkv + place.packed(g, 0, place.token);
    for (int e = lane; e < g.head_dim; e += 32) {
      float total = 0;
      for (int j = 0; j < g.tokens; ++j) {
        total = Scalar::mul_add(scores[s0 + j], as_float(a.qkv[place.packed(g, 1, j) + e]), total);
      }
      set_rounded(to[e], g.scale * total);
    }
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
    GYRUS_SHARED(float, scores, kWarpsPerBlock* kMostTokens);
    const HeadGeometry& g = a.g;
    const HeadPlace place(g, thread);
    const int v0 = thread.warp() * kMostHeadDim, s0 = thread.warp() * kMostTokens, lane = thread.lane();
    const std::int64_t j = place.token;
    const T* from = a.qkv + place.packed(g, 2, j);
    for (int e = lane; e < g.head_dim && place.is_inside; e += 32) value[v0 + e] = as_float(from[e]);
    thread.sync();
    for (int i = lane; i < g.tokens && place.is_inside; i += 32) {
      const float dp = dot(value, v0, a.dy + place.plain(g, i), g.head_dim);
      const float p = as_float(a.probabilities[place.row(g, i) + j]);
      scores[s0 + i] = p * (dp - a.expected_of(place, i));
    }
    thread.sync();
    if (!place.is_inside) return;
    T *dk = a.dqkv + place.packed(g, 1, j), *dv = a.dqkv + place.packed(g, 2, j);
    for (int e = lane; e < g.head_dim; e += 32) {
      float of_key = 0, of_value = 0;
      for (int i = 0; i < g.tokens; ++i) {
        of_key = Scalar::mul_add(scores[s0 + i], as_float(a.qkv[place.packed(g, 0, i) + e]), of_key);
        const float p = as_float(a.probabilities[place.row(g, i) + j]);
        of_value = Scalar::mul_add(p, as_float(a.dy[place.plain(g, i) + e]), of_value);
      }
      set_rounded(dk[e], g.scale * of_key);
      set_rounded(dv[e], of_value);
    }
  }
};

// Args: AttentionArgs or AttentionBackwardArgs.
template <class Args>
HeadGeometry head_geometry(const Args& args) {
  GYRUS_CHECK(args.tokens <= kMostTokens && args.head_dim <= kMostHeadDim, Code::internal, "attention: ", args.tokens,
              " tokens and heads of width ", args.head_dim, "; these kernels hold ", kMostTokens, " and ",
              kMostHeadDim);
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
