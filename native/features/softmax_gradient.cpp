#include "features/softmax_gradient.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "features/add_scaled_rows.h"
#include "features/dot_rows.h"
#include "features/team.h"

namespace gyrus::features {
namespace {

constexpr std::size_t kRows = 16;          // that are still in the cache when their gradient is added
constexpr std::size_t kRowsOfPiece = 512;  // at least
constexpr std::size_t kMostPieces = 16, kMostSums = std::size_t{4} << 20;

// Turns a row of logits into softmax minus one-hot, and returns the cross-entropy.
double to_residual(std::span<float> logits, std::int32_t label) {
  const float most = *std::max_element(logits.begin(), logits.end());
  const double shifted = static_cast<double>(logits[static_cast<std::size_t>(label)] - most);
  double sum = 0;
  for (float& logit : logits) {
    logit = std::exp(logit - most);
    sum += static_cast<double>(logit);
  }
  for (float& logit : logits) logit = static_cast<float>(static_cast<double>(logit) / sum);
  logits[static_cast<std::size_t>(label)] -= 1;
  return std::log(sum) - shifted;
}

// Sums over rows [begin, end): the loss is returned, the gradient added to `sums` [classes, dim + 1].
double add_gradient(const SoftmaxProblem& problem, std::span<const float> matrix, std::span<const float> weights,
                    std::size_t begin, std::size_t end, std::span<float> sums) {
  const auto [rows, labels, dim, classes] = problem;
  std::vector<float> logits(kRows * classes);
  double loss = 0;
  for (std::size_t first = begin; first < end; first += kRows) {
    const std::size_t count = std::min(kRows, end - first);
    const std::span<const float> block = rows.subspan(first * dim, count * dim);
    const std::span<float> all{logits.data(), count * classes};
    dot_rows(block, matrix, dim, all);
    for (std::size_t row = 0; row < count; ++row) {
      const std::span<float> own = all.subspan(row * classes, classes);
      for (std::size_t c = 0; c < classes; ++c) own[c] += weights[c * (dim + 1) + dim];
      loss += to_residual(own, labels[first + row]);
      for (std::size_t c = 0; c < classes; ++c) sums[c * (dim + 1) + dim] += own[c];
    }
    add_scaled_rows(block, all, dim, classes, sums.data(), dim + 1);
  }
  return loss;
}

}  // namespace

double softmax_gradient(const SoftmaxProblem& problem, std::span<const float> weights, std::span<double> gradient,
                        int threads) {
  const auto [rows, labels, dim, classes] = problem;
  const std::size_t count = labels.size(), size = classes * (dim + 1);
  GYRUS_ASSERT(rows.size() == count * dim && weights.size() == size && gradient.size() == size);
  std::vector<float> matrix(classes * dim);
  for (std::size_t c = 0; c < classes; ++c) std::copy_n(&weights[c * (dim + 1)], dim, &matrix[c * dim]);
  const std::size_t pieces = std::clamp<std::size_t>(std::min(count / kRowsOfPiece, kMostSums / size), 1, kMostPieces);
  std::vector<float> sums(pieces * size);
  std::vector<double> losses(pieces);
  for_pieces(pieces, threads, [&](std::size_t piece) {
    losses[piece] = add_gradient(problem, matrix, weights, count * piece / pieces, count * (piece + 1) / pieces,
                                 {&sums[piece * size], size});
  });
  double loss = 0;
  std::fill(gradient.begin(), gradient.end(), 0.0);
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    loss += losses[piece];
    for (std::size_t at = 0; at < size; ++at) gradient[at] += static_cast<double>(sums[piece * size + at]);
  }
  const double scale = 1 / static_cast<double>(count);
  for (double& value : gradient) value *= scale;
  return loss * scale;
}

}  // namespace gyrus::features
