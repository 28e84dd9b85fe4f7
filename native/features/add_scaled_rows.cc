#include "features/add_scaled_rows.h"

#include <algorithm>
#include <type_traits>

#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "features/add_scaled_rows.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::features {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// kSums sums += kRows rows, with the factor of row r for sum s at factors[r * stride + s].
template <std::size_t kRows, std::size_t kSums>
void add_tile(const float* rows, const float* factors, std::size_t factor_stride, std::size_t dim, float* sums,
              std::size_t stride) {
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
    hn::Vec<decltype(d)> x[kRows];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRows; ++r) x[r] = hn::LoadU(d, rows + r * dim + i);
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kSums; ++s) {
      auto sum = hn::LoadU(d, sums + s * stride + i);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kRows; ++r) sum = hn::MulAdd(hn::Set(d, factors[r * factor_stride + s]), x[r], sum);
      hn::StoreU(sum, d, sums + s * stride + i);
    }
  }
  for (; i < dim; ++i) {
    for (std::size_t s = 0; s < kSums; ++s) {
      for (std::size_t r = 0; r < kRows; ++r)
        sums[s * stride + i] += factors[r * factor_stride + s] * rows[r * dim + i];
    }
  }
}

template <std::size_t kSums>
void add_rows(const float* rows, const float* factors, std::size_t row_count, std::size_t factor_stride,
              std::size_t dim, float* sums, std::size_t stride) {
  std::size_t row = 0;
  for (; row + 4 <= row_count; row += 4) {
    add_tile<4, kSums>(rows + row * dim, factors + row * factor_stride, factor_stride, dim, sums, stride);
  }
  for (; row < row_count; ++row) {
    add_tile<1, kSums>(rows + row * dim, factors + row * factor_stride, factor_stride, dim, sums, stride);
  }
}

void add_all(std::span<const float> rows, std::span<const float> factors, std::size_t dim, std::size_t count,
             float* sums, std::size_t stride) {
  const std::size_t row_count = rows.size() / dim;
  std::size_t s = 0;
  for (; s + 4 <= count; s += 4) {
    add_rows<4>(rows.data(), &factors[s], row_count, count, dim, sums + s * stride, stride);
  }
  for (; s < count; ++s) add_rows<1>(rows.data(), &factors[s], row_count, count, dim, sums + s * stride, stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::features
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::features {

HWY_EXPORT(add_all);

void add_scaled_rows(std::span<const float> rows, std::span<const float> factors, std::size_t dim, std::size_t count,
                     float* sums, std::size_t stride) {
  GYRUS_ASSERT(dim > 0 && rows.size() % dim == 0 && rows.size() / dim * count == factors.size());
  if (!factors.empty()) HWY_DYNAMIC_DISPATCH(add_all)(rows, factors, dim, count, sums, stride);
}

void add_scaled_rows(std::span<const float> rows, std::span<const float> factors, std::size_t dim, float* sum) {
  add_scaled_rows(rows, factors, dim, 1, sum, dim);
}

}  // namespace gyrus::features
#endif
