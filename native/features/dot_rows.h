// Dot products of the rows of two matrices.
#pragma once

#include <cstddef>
#include <span>

namespace gyrus::features {

// out[i * b_rows + j] = a_i . b_j for a [a_rows, dim] and b [b_rows, dim], f32. 2 dim operations a product; with both
// matrices in the cache, tiles of 4 by 4 rows load 8 vectors for 16 multiply-adds.
void dot_rows(std::span<const float> a, std::span<const float> b, std::size_t dim, std::span<float> out);

// Rows that lie `stride` numbers apart.
template <class T>
struct Rows {
  T* data = nullptr;
  std::size_t count = 0, stride = 0;
};
// The same for the first `dim` numbers of such rows: out_i[j] = a_i . b_j.
void dot_strided_rows(const Rows<const float>& a, const Rows<const float>& b, std::size_t dim, const Rows<float>& out);

}  // namespace gyrus::features
