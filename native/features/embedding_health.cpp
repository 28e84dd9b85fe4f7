#include "features/embedding_health.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "features/dot_rows.h"
#include "features/symmetric_eigenvalues.h"

namespace gyrus::features {
namespace {

constexpr std::size_t kPairRows = 1024;

double spread(std::span<const float> rows, std::size_t dim) {
  const std::size_t count = rows.size() / dim;
  double sum = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    double mean = 0, squares = 0;
    for (std::size_t row = 0; row < count; ++row) mean += static_cast<double>(rows[row * dim + i]);
    mean /= static_cast<double>(count);
    for (std::size_t row = 0; row < count; ++row) {
      const double off = static_cast<double>(rows[row * dim + i]) - mean;
      squares += off * off;
    }
    sum += std::sqrt(squares / static_cast<double>(count));
  }
  return sum / std::sqrt(static_cast<double>(dim));
}

// Row-major [rows, columns] -> [columns, rows].
std::vector<float> transposed(std::span<const float> matrix, std::size_t columns) {
  const std::size_t rows = matrix.size() / columns;
  std::vector<float> result(matrix.size());
  for (std::size_t at = 0; at < matrix.size(); ++at) result[at % columns * rows + at / columns] = matrix[at];
  return result;
}

// The singular values are the roots of the smaller Gram matrix's eigenvalues.
double effective_rank(std::span<const float> rows, std::size_t dim) {
  const std::size_t count = rows.size() / dim, size = std::min(count, dim);
  const std::vector<float> across = transposed(rows, dim);
  const std::span<const float> smaller = count <= dim ? rows : std::span<const float>(across);
  std::vector<float> products(size * size);
  dot_rows(smaller, smaller, std::max(count, dim), products);
  std::vector<double> singular = symmetric_eigenvalues({products.begin(), products.end()}, size);
  double sum = 0, entropy = 0;
  for (double& value : singular) {
    value = std::sqrt(std::max(0.0, value));
    sum += value;
  }
  for (const double value : singular) {
    if (value > 0) entropy -= value / sum * std::log(value / sum);
  }
  return std::exp(entropy);
}

double uniformity(std::span<const float> rows, std::size_t dim) {
  const std::size_t count = std::min(rows.size() / dim, kPairRows);
  const std::span<const float> first = rows.first(count * dim);
  std::vector<float> products(count * count);
  dot_rows(first, first, dim, products);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      // |a - b|^2 = 2 - 2 a.b for unit vectors.
      sum += std::exp(-4 * (1 - static_cast<double>(products[i * count + j])));
    }
  }
  return std::log(sum / (0.5 * static_cast<double>(count) * static_cast<double>(count - 1)));
}

}  // namespace

EmbeddingHealth embedding_health(std::span<const float> queries, std::span<const float> keys, std::size_t dim) {
  GYRUS_ASSERT(dim > 0 && queries.size() == keys.size() && queries.size() % dim == 0 && queries.size() >= 2 * dim);
  double distance = 0;
  for (std::size_t at = 0; at < queries.size(); ++at) {
    const double off = static_cast<double>(queries[at]) - static_cast<double>(keys[at]);
    distance += off * off;
  }
  EmbeddingHealth health;
  health.std = spread(queries, dim);
  health.effective_rank = effective_rank(queries, dim);
  health.alignment = distance * static_cast<double>(dim) / static_cast<double>(queries.size());
  health.uniformity = uniformity(queries, dim);
  return health;
}

}  // namespace gyrus::features
