// A symmetric positive definite matrix as L L^T, to solve with.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gyrus::features {

class Cholesky {
 public:
  // `matrix` [dim, dim], of which only what lies on and below the diagonal is read. dim^3 / 3 operations.
  Cholesky(std::vector<float> matrix, std::size_t dim, int threads);
  // False: the matrix is not positive definite as far as f32 can tell, and nothing can be solved.
  bool is_definite() const { return is_definite_; }
  // x <- A^-1 x [dim].
  void solve(std::span<float> x) const;

 private:
  bool factor_diagonal(std::size_t begin, std::size_t width, std::span<float> inverse);

  std::vector<float> lower_;
  std::size_t dim_;
  bool is_definite_ = true;
};

}  // namespace gyrus::features
