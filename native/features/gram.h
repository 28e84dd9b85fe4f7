// The products of a matrix's columns with each other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gyrus::features {

// x^T x / n of rows x [n, dim]: [dim, dim], of which only what lies on and below the diagonal is right. `step`: only
// every so-manieth row is taken.
std::vector<float> gram(std::span<const float> rows, std::size_t dim, std::size_t step, int threads);

}  // namespace gyrus::features
