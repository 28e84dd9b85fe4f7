// Sums of rows with factors: the other product of a matrix and its vectors beside dot_rows.
#pragma once

#include <cstddef>
#include <span>

namespace gyrus::features {

// sum_i factors[i] * rows[i] is added to `sum` [dim].
void add_scaled_rows(std::span<const float> rows, std::span<const float> factors, std::size_t dim, float* sum);

// The same for several sums, `stride` numbers apart, from one reading of the rows: factors [n, count]. Where rows are
// in the cache, four of them serve four sums: 8 vectors are loaded and 4 stored for 16 multiply-adds.
void add_scaled_rows(std::span<const float> rows, std::span<const float> factors, std::size_t dim, std::size_t count,
                     float* sums, std::size_t stride);

}  // namespace gyrus::features
