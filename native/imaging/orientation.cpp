#include "imaging/orientation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"

namespace gyrus::imaging {
namespace {

using Matrix3 = std::array<std::array<double, 3>, 3>;

constexpr int kPolarSteps = 100;  // Newton's iteration halves even an error of 1e16 each step, then squares it
constexpr double kPolarTolerance = 1e-14;

// Rows of the matrix whose product with `m` is det(m) times the identity, transposed: the cofactors.
Matrix3 cofactors(const Matrix3& m) {
  Matrix3 result;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const std::size_t i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
      result[i][j] = m[i1][j1] * m[i2][j2] - m[i1][j2] * m[i2][j1];
    }
  }
  return result;
}

double determinant(const Matrix3& m, const Matrix3& cofactor) {
  return m[0][0] * cofactor[0][0] + m[0][1] * cofactor[0][1] + m[0][2] * cofactor[0][2];
}

// The orthogonal factor of the polar decomposition, by Newton's iteration X <- (X + X^-T) / 2 (Higham 1986).
Matrix3 nearest_rotation(Matrix3 x, std::string_view label) {
  for (int step = 0; step < kPolarSteps; ++step) {
    const Matrix3 cofactor = cofactors(x);
    const double scale = determinant(x, cofactor);
    GYRUS_CHECK(std::isfinite(scale) && std::isfinite(1 / scale), Code::file_format, label,
                " has a singular affine: two of its axes point the same way; correct the sform or qform");
    double change = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        const double next = (x[i][j] + cofactor[i][j] / scale) / 2;
        change = std::max(change, std::abs(next - x[i][j]));
        x[i][j] = next;
      }
    }
    if (change < kPolarTolerance) break;
  }
  return x;
}

double column_norm(const Affine& affine, std::size_t column) {
  return std::hypot(affine[0][column], affine[1][column], affine[2][column]);
}

// The part of the affine that turns and shears: columns of length one.
Matrix3 directions(const Affine& affine, std::string_view label) {
  Matrix3 result;
  for (std::size_t column = 0; column < 3; ++column) {
    const double norm = column_norm(affine, column);
    GYRUS_CHECK(std::isfinite(norm) && norm > 0, Code::file_format, label, " has an affine whose column ", column,
                " has the length ", norm, "; correct the sform, the qform or the voxel sizes");
    for (std::size_t row = 0; row < 3; ++row) result[row][column] = affine[row][column] / norm;
  }
  return result;
}

// Stored axes, those that lie closest to a direction of space first.
std::array<std::size_t, 3> clearest_first(const Matrix3& rotation) {
  const auto clarity = [&](std::size_t column) {
    return std::max({std::abs(rotation[0][column]), std::abs(rotation[1][column]), std::abs(rotation[2][column])});
  };
  std::array<std::size_t, 3> order = {0, 1, 2};
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return clarity(a) > clarity(b); });
  return order;
}

}  // namespace

Orientation closest_canonical(const Affine& affine, std::string_view label) {
  for (const auto& row : affine) {
    GYRUS_CHECK(std::isfinite(row[3]), Code::file_format, label,
                " has an affine with an offset that is no number; correct the sform or qform");
  }
  const Matrix3 rotation = nearest_rotation(directions(affine, label), label);
  Orientation orientation;
  std::array<bool, 3> is_taken{};
  for (const std::size_t stored : clearest_first(rotation)) {
    std::size_t best = 3;
    for (std::size_t out = 0; out < 3; ++out) {
      if (is_taken[out]) continue;
      if (best == 3 || std::abs(rotation[out][stored]) > std::abs(rotation[best][stored])) best = out;
    }
    is_taken[best] = true;
    orientation[best] = {static_cast<int>(stored), rotation[best][stored] < 0};
  }
  return orientation;
}

Affine canonical_affine(const Affine& affine, const Orientation& orientation, const Extents3& stored) {
  Affine result = affine;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const auto from = static_cast<std::size_t>(orientation[axis].stored);
      const double step = affine[row][from];
      result[row][axis] = orientation[axis].is_flipped ? -step : step;
      if (orientation[axis].is_flipped) result[row][3] += step * static_cast<double>(stored[from] - 1);
    }
  }
  return result;
}

std::array<double, 3> spacing_of(const Affine& affine) {
  return {column_norm(affine, 0), column_norm(affine, 1), column_norm(affine, 2)};
}

}  // namespace gyrus::imaging
