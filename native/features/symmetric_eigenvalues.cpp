#include "features/symmetric_eigenvalues.h"

#include <cmath>

#include "core/error.h"

namespace gyrus::features {
namespace {

constexpr int kSweeps = 50;  // far more than are ever needed
constexpr double kDone = 1e-24;

// Makes element (p, q) zero by a rotation of the rows and columns p and q.
void rotate(std::vector<double>& a, std::size_t size, std::size_t p, std::size_t q) {
  const double off = a[p * size + q];
  if (off == 0) return;
  const double theta = (a[q * size + q] - a[p * size + p]) / (2 * off);
  const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1), s = t * c;
  for (std::size_t i = 0; i < size; ++i) {
    const double x = a[i * size + p], y = a[i * size + q];
    a[i * size + p] = c * x - s * y;
    a[i * size + q] = s * x + c * y;
  }
  for (std::size_t i = 0; i < size; ++i) {
    const double x = a[p * size + i], y = a[q * size + i];
    a[p * size + i] = c * x - s * y;
    a[q * size + i] = s * x + c * y;
  }
}

}  // namespace

std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t size) {
  GYRUS_ASSERT(matrix.size() == size * size);
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double off = 0, all = 0;
    for (std::size_t at = 0; at < matrix.size(); ++at) {
      const double square = matrix[at] * matrix[at];
      all += square;
      if (at / size != at % size) off += square;
    }
    if (off <= kDone * all) break;
    for (std::size_t p = 0; p + 1 < size; ++p) {
      for (std::size_t q = p + 1; q < size; ++q) rotate(matrix, size, p, q);
    }
  }
  std::vector<double> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = matrix[i * size + i];
  return values;
}

}  // namespace gyrus::features
