// Which rows of a bank of features are most like each query, by cosine.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::features {

struct Neighbours {
  std::vector<std::int32_t> indices;  // [queries, k], the nearest first; of equals, the lower index first
  std::vector<float> similarities;    // [queries, k], -1 to 1
};

// bank [m, dim], queries [n, dim], f32, any lengths of rows; a row of zeros is like nothing (similarity 0).
// `excludes_own`: query i is bank row i, and is not its own neighbour. k is at most what is left of the bank.
// Throws Code::shape or invalid_argument for sizes that do not fit, non_finite for NaN, aborted when `stop` is set.
Neighbours nearest_neighbours(std::span<const float> bank, std::span<const float> queries, std::size_t dim,
                              std::size_t k, bool excludes_own, const std::atomic<bool>& stop);

}  // namespace gyrus::features
