#include "features/dot_rows.h"

#include <algorithm>

#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "features/dot_rows.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::features {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One product; the sum of the last, incomplete vector is made element by element.
float dot(const float* a, const float* b, std::size_t dim) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum);
  float result = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < dim; ++i) result += a[i] * b[i];
  return result;
}

// Four rows of a with four of b: every vector that is loaded serves four products.
void dot_tile(const Rows<const float>& a, const Rows<const float>& b, std::size_t dim, const Rows<float>& out) {
  const hn::ScalableTag<float> d;
  using V = decltype(hn::Zero(d));
  V s00 = hn::Zero(d), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  V s20 = s00, s21 = s00, s22 = s00, s23 = s00, s30 = s00, s31 = s00, s32 = s00, s33 = s00;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
    const V b0 = hn::LoadU(d, b.data + i), b1 = hn::LoadU(d, b.data + b.stride + i);
    const V b2 = hn::LoadU(d, b.data + 2 * b.stride + i), b3 = hn::LoadU(d, b.data + 3 * b.stride + i);
    const auto row = [&](const float* x, V& t0, V& t1, V& t2, V& t3) {
      const V value = hn::LoadU(d, x + i);
      t0 = hn::MulAdd(value, b0, t0);
      t1 = hn::MulAdd(value, b1, t1);
      t2 = hn::MulAdd(value, b2, t2);
      t3 = hn::MulAdd(value, b3, t3);
    };
    row(a.data, s00, s01, s02, s03);
    row(a.data + a.stride, s10, s11, s12, s13);
    row(a.data + 2 * a.stride, s20, s21, s22, s23);
    row(a.data + 3 * a.stride, s30, s31, s32, s33);
  }
  const V sums[4][4] = {{s00, s01, s02, s03}, {s10, s11, s12, s13}, {s20, s21, s22, s23}, {s30, s31, s32, s33}};
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 4; ++c) {
      float value = hn::GetLane(hn::SumOfLanes(d, sums[r][c]));
      for (std::size_t at = i; at < dim; ++at) value += a.data[r * a.stride + at] * b.data[c * b.stride + at];
      out.data[r * out.stride + c] = value;
    }
  }
}

void dot_all(const Rows<const float>& a, const Rows<const float>& b, std::size_t dim, const Rows<float>& out) {
  for (std::size_t r = 0; r < a.count; r += 4) {
    for (std::size_t c = 0; c < b.count; c += 4) {
      if (r + 4 <= a.count && c + 4 <= b.count) {
        dot_tile({a.data + r * a.stride, 4, a.stride}, {b.data + c * b.stride, 4, b.stride}, dim,
                 {out.data + r * out.stride + c, 4, out.stride});
        continue;
      }
      for (std::size_t i = r; i < std::min(r + 4, a.count); ++i) {
        for (std::size_t j = c; j < std::min(c + 4, b.count); ++j) {
          out.data[i * out.stride + j] = dot(a.data + i * a.stride, b.data + j * b.stride, dim);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::features
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::features {

HWY_EXPORT(dot_all);

void dot_rows(std::span<const float> a, std::span<const float> b, std::size_t dim, std::span<float> out) {
  GYRUS_ASSERT(dim > 0 && a.size() % dim == 0 && b.size() % dim == 0);
  GYRUS_ASSERT(out.size() == (a.size() / dim) * (b.size() / dim));
  const std::size_t columns = b.size() / dim;
  HWY_DYNAMIC_DISPATCH(dot_all)
  ({a.data(), a.size() / dim, dim}, {b.data(), columns, dim}, dim, {out.data(), a.size() / dim, columns});
}

void dot_strided_rows(const Rows<const float>& a, const Rows<const float>& b, std::size_t dim, const Rows<float>& out) {
  HWY_DYNAMIC_DISPATCH(dot_all)(a, b, dim, out);
}

}  // namespace gyrus::features
#endif
