// Dot products of the rows of two matrices.
#pragma once

#include <cstddef>
#include <span>

namespace gyrus::features {

// out[i * b_rows + j] = a_i . b_j for a [a_rows, dim] and b [b_rows, dim], f32. 2 dim operations a product; with both
// matrices in the cache, tiles of 4 by 4 rows load 8 vectors for 16 multiply-adds.
void dot_rows(std::span<const float> a, std::span<const float> b, std::size_t dim, std::span<float> out);

}  // namespace gyrus::features
