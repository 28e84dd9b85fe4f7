// Panels of 64 columns from left to right: what the columns before contribute is subtracted as products of rows, the
// square on the diagonal is factored in f64, and the rows below are multiplied by its inverse.
#include "features/cholesky.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "features/add_scaled_rows.h"
#include "features/dot_rows.h"
#include "features/team.h"

namespace gyrus::features {
namespace {

constexpr std::size_t kPanel = 64;
using Square = std::array<float, kPanel * kPanel>;

}  // namespace

Cholesky::Cholesky(std::vector<float> matrix, std::size_t dim, int threads) : lower_(std::move(matrix)), dim_(dim) {
  GYRUS_ASSERT(lower_.size() == dim * dim);
  std::vector<float> inverse(kPanel * kPanel);
  for (std::size_t begin = 0; begin < dim && is_definite_; begin += kPanel) {
    const std::size_t width = std::min(kPanel, dim - begin), groups = (dim - begin + kPanel - 1) / kPanel;
    // Of the rows of a group: products with the panel's own rows, or with those of the inverse.
    const auto multiply = [&](std::size_t group, std::size_t from, const Rows<const float>& by, std::size_t depth,
                              auto&& put) {
      const std::size_t row = begin + group * kPanel, count = std::min(kPanel, dim - row);
      Square products;
      dot_strided_rows({&lower_[row * dim + from], count, dim}, by, depth, {products.data(), count, kPanel});
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t c = 0; c < width; ++c) put(lower_[(row + r) * dim + begin + c], products[r * kPanel + c]);
      }
    };
    if (begin > 0) {
      for_pieces(groups, threads, [&](std::size_t group) {
        multiply(group, 0, {&lower_[begin * dim], width, dim}, begin, [](float& to, float value) { to -= value; });
      });
    }
    is_definite_ = factor_diagonal(begin, width, inverse);
    for_pieces(groups - 1, threads, [&](std::size_t group) {
      multiply(group + 1, begin, {inverse.data(), width, kPanel}, width, [](float& to, float value) { to = value; });
    });
  }
}

// The square becomes its factor; `inverse` [width, 64] the inverse of that, with zeros above the diagonal.
bool Cholesky::factor_diagonal(std::size_t begin, std::size_t width, std::span<float> inverse) {
  std::array<double, kPanel * kPanel> l{}, x{};
  for (std::size_t r = 0; r < width; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      double value = static_cast<double>(lower_[(begin + r) * dim_ + begin + c]);
      for (std::size_t k = 0; k < c; ++k) value -= l[r * kPanel + k] * l[c * kPanel + k];
      if (r == c && !(value > 0)) return false;
      l[r * kPanel + c] = r == c ? std::sqrt(value) : value / l[c * kPanel + c];
      lower_[(begin + r) * dim_ + begin + c] = static_cast<float>(l[r * kPanel + c]);
    }
  }
  std::fill(inverse.begin(), inverse.end(), 0.0F);
  for (std::size_t r = 0; r < width; ++r) {
    for (std::size_t c = 0; c <= r; ++c) {
      double value = r == c ? 1 : 0;
      for (std::size_t k = c; k < r; ++k) value -= l[r * kPanel + k] * x[k * kPanel + c];
      x[r * kPanel + c] = value / l[r * kPanel + r];
      inverse[r * kPanel + c] = static_cast<float>(x[r * kPanel + c]);
    }
  }
  return true;
}

void Cholesky::solve(std::span<float> x) const {
  GYRUS_ASSERT(is_definite_ && x.size() == dim_);
  for (std::size_t k = 0; k < dim_; ++k) {
    const float* const row = &lower_[k * dim_];
    float sum = 0;
    if (k > 0) dot_strided_rows({row, 1, dim_}, {x.data(), 1, dim_}, k, {&sum, 1, 1});
    x[k] = (x[k] - sum) / row[k];
  }
  for (std::size_t k = dim_; k-- > 0;) {
    const float* const row = &lower_[k * dim_];
    x[k] /= row[k];
    const float factor = -x[k];
    if (k > 0) add_scaled_rows({row, k}, {&factor, 1}, k, x.data());
  }
}

}  // namespace gyrus::features
