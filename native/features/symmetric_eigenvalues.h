// Eigenvalues of a small symmetric matrix.
#pragma once

#include <cstddef>
#include <vector>

namespace gyrus::features {

// `matrix` [size, size], symmetric, row-major. By Jacobi's rotations (Golub and Van Loan, section 8.5), to rounding; in
// no order. O(size^3) a sweep, and about ten sweeps.
std::vector<double> symmetric_eigenvalues(std::vector<double> matrix, std::size_t size);

}  // namespace gyrus::features
