// Multi-head attention over packed [Q | K | V] and its gradient. Letters: N batch, T tokens, D width, H heads, d = D/H.
//
// Derivation of the gradient, for one head, with S = scale Q K^T, P = softmax(S) by row, Y = P V:
//   dV = P^T dY;  dP = dY V^T;  dS_ij = P_ij (dP_ij - sum_k P_ik dP_ik);  dQ = scale dS K;  dK = scale dS^T Q.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {
namespace {

// Where a head's vectors lie in one sample of a packed [T, 3D] array.
struct Head {
  std::int64_t tokens, width, head_dim, head;
  double scale;

  std::int64_t packed(int which, std::int64_t token) const {  // which: 0 Q, 1 K, 2 V
    return token * 3 * width + which * width + head * head_dim;
  }
  std::int64_t plain(std::int64_t token) const { return token * width + head * head_dim; }
  double dot(const double* a, const double* b) const {
    double sum = 0;
    for (std::int64_t e = 0; e < head_dim; ++e) sum += a[e] * b[e];
    return sum;
  }
};

// Calls visit(head, sample, offset of the head's [T, T] probabilities) for each head of each sample.
template <class Visit>
void for_each_head(const Call& call, const Shape& qkv, Visit visit) {
  const int heads = call.attrs_as<graph::AttentionAttrs>().heads;
  const std::int64_t tokens = qkv[1], width = qkv[2] / 3, head_dim = width / heads;
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  for (std::int64_t n = 0; n < qkv[0]; ++n)
    for (std::int64_t h = 0; h < heads; ++h)
      visit(Head{tokens, width, head_dim, h, scale}, n, (n * heads + h) * tokens * tokens);
}

void softmax_in_place(double* row, std::int64_t count) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (std::int64_t j = 0; j < count; ++j) largest = std::max(largest, row[j]);
  for (std::int64_t j = 0; j < count; ++j) sum += row[j] = std::exp(row[j] - largest);
  for (std::int64_t j = 0; j < count; ++j) row[j] /= sum;
}

}  // namespace

void attention(const Call& call) {
  const Tensor &qkv = call.in[0], &y = call.out[0], &probabilities = call.out[1];
  y.fill(0);
  for_each_head(call, qkv.shape, [&](const Head& head, std::int64_t n, std::int64_t at) {
    const double* sample = &qkv[n * head.tokens * 3 * head.width];
    double* out = &y[n * head.tokens * head.width];
    for (std::int64_t i = 0; i < head.tokens; ++i) {
      double* row = &probabilities[at + i * head.tokens];
      for (std::int64_t j = 0; j < head.tokens; ++j)
        row[j] = head.scale * head.dot(sample + head.packed(0, i), sample + head.packed(1, j));
      softmax_in_place(row, head.tokens);
      for (std::int64_t j = 0; j < head.tokens; ++j)
        for (std::int64_t e = 0; e < head.head_dim; ++e)
          out[head.plain(i) + e] += row[j] * sample[head.packed(2, j) + e];
    }
  });
}

void attention_grad(const Call& call) {
  const Tensor &dy = call.in[0], &qkv = call.in[1], &probabilities = call.in[2], &dqkv = call.out[0];
  dqkv.fill(0);
  for_each_head(call, qkv.shape, [&](const Head& head, std::int64_t n, std::int64_t at) {
    const double* sample = &qkv[n * head.tokens * 3 * head.width];
    double* grad = &dqkv[n * head.tokens * 3 * head.width];
    for (std::int64_t i = 0; i < head.tokens; ++i) {
      const double* row = &probabilities[at + i * head.tokens];
      const double* upstream = &dy[n * head.tokens * head.width] + head.plain(i);
      double expected = 0;  // sum_k P_ik dP_ik
      for (std::int64_t j = 0; j < head.tokens; ++j)
        expected += row[j] * head.dot(upstream, sample + head.packed(2, j));
      for (std::int64_t j = 0; j < head.tokens; ++j) {
        const double d_probability = head.dot(upstream, sample + head.packed(2, j));
        const double d_score = head.scale * row[j] * (d_probability - expected);
        for (std::int64_t e = 0; e < head.head_dim; ++e) {
          grad[head.packed(0, i) + e] += d_score * sample[head.packed(1, j) + e];
          grad[head.packed(1, j) + e] += d_score * sample[head.packed(0, i) + e];
          grad[head.packed(2, j) + e] += row[j] * upstream[e];
        }
      }
    }
  });
}

}  // namespace gyrus::backend::reference
