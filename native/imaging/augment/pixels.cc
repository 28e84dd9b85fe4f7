#include "imaging/augment/pixels.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imaging/augment/pixels.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "math/view_pixels.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::imaging {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

// math/pack.h's vocabulary, and what view_pixels.h asks for beside it.
struct PixelPack {
  using Value = V;
  using Mask = hn::Mask<F>;
  static HWY_INLINE V constant(double c) { return hn::Set(F(), static_cast<float>(c)); }
  static HWY_INLINE V mul_add(V a, V b, V c) { return hn::MulAdd(a, b, c); }
  static HWY_INLINE V max(V a, V b) { return hn::Max(a, b); }
  static HWY_INLINE V min(V a, V b) { return hn::Min(a, b); }
  static HWY_INLINE V abs(V a) { return hn::Abs(a); }
  static HWY_INLINE V sqrt(V a) { return hn::Sqrt(a); }
  static HWY_INLINE V divide(V a, V b) { return hn::Div(a, b); }
  static HWY_INLINE V exp(V a) { return hn::Exp(F(), a); }
  static HWY_INLINE V exp_nonpositive(V a) { return exp(a); }
  static HWY_INLINE V log(V a) { return hn::Log(F(), a); }
  static HWY_INLINE Mask less(V a, V b) { return hn::Lt(a, b); }
  static HWY_INLINE V select(Mask mask, V yes, V no) { return hn::IfThenElse(mask, yes, no); }
};

namespace formula = math::HWY_NAMESPACE;

// Calls body(vector, at) for whole vectors of a row, and once more, on a copy, for what is left over.
template <class Body>
void each_vector(const float* values, std::size_t count, float* out, const Body& body) {
  const F d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(body(hn::LoadU(d, values + i), i), d, out + i);
  if (i == count) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  std::copy(values + i, values + count, rest);
  hn::Store(body(hn::Load(d, rest), i), d, rest);
  std::copy(rest, rest + (count - i), out + i);
}

void mix_floats(std::span<const float* const> rows, std::span<const float> weights, std::size_t width, float* out) {
  const F d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    V sum = hn::Zero(d);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      sum = hn::MulAdd(hn::Set(d, weights[k]), hn::LoadU(d, rows[k] + x), sum);
    }
    hn::StoreU(sum, d, out + x);
  }
  for (; x < width; ++x) {
    float sum = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) sum += weights[k] * rows[k][x];
    out[x] = sum;
  }
}

void mix_u16(const std::uint16_t* rows, std::size_t stride, std::span<const float> weights, float scale,
             std::span<float> out) {
  const F d;
  const hn::Rebind<std::uint16_t, F> d16;
  const hn::RebindToSigned<F> d32;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t x = 0;
  for (; x + lanes <= out.size(); x += lanes) {
    V sum = hn::Zero(d);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const auto levels = hn::PromoteTo(d32, hn::LoadU(d16, rows + k * stride + x));
      sum = hn::MulAdd(hn::Set(d, weights[k]), hn::ConvertTo(d, levels), sum);
    }
    hn::StoreU(hn::Mul(sum, hn::Set(d, scale)), d, &out[x]);
  }
  for (; x < out.size(); ++x) {
    float sum = 0;
    for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * static_cast<float>(rows[k * stride + x]);
    out[x] = sum * scale;
  }
}

void scale_all(std::span<float> values, float factor, float shift) {
  const F d;
  const V f = hn::Set(d, factor), s = hn::Set(d, shift);
  each_vector(values.data(), values.size(), values.data(),
              [&](V v, std::size_t) { return formula::scaled_clamped<PixelPack>(v, f, s); });
}

float sum_all(std::span<const float> values) {
  const F d;
  const std::size_t lanes = hn::Lanes(d);
  V sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes) sum = hn::Add(sum, hn::LoadU(d, &values[i]));
  float result = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < values.size(); ++i) result += values[i];
  return result;
}

void raise_all(std::span<float> values, float power) {
  const F d;
  const V p = hn::Set(d, power);
  each_vector(values.data(), values.size(), values.data(),
              [&](V v, std::size_t) { return formula::raised<PixelPack>(v, p); });
}

void multiply_exp_row(std::span<float> row, float c0, float c1, float c2) {
  const F d;
  const auto count = static_cast<float>(row.size());
  const V a = hn::Set(d, c0), b = hn::Set(d, c1), c = hn::Set(d, c2);
  const V step = hn::Set(d, 2 / count), half = hn::Set(d, 1 / count - 1);
  each_vector(row.data(), row.size(), row.data(), [&](V v, std::size_t at) {
    const V x = hn::MulAdd(hn::Iota(d, static_cast<float>(at)), step, half);
    return formula::times_exp<PixelPack>(v, x, a, b, c);
  });
}

void finish(std::span<const float> row, const Finish& how, float* out) {
  const F d;
  const V factor = hn::Set(d, how.factor), shift = hn::Set(d, how.shift);
  const auto value = [&](V v) { return formula::finished<PixelPack>(v, how.is_solarized, factor, shift); };
  if (!how.is_flipped) {
    each_vector(row.data(), row.size(), out, [&](V v, std::size_t) { return value(v); });
    return;
  }
  const std::size_t lanes = hn::Lanes(d), count = row.size();
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Reverse(d, value(hn::LoadU(d, &row[i]))), d, out + count - i - lanes);
  }
  for (; i < count; ++i) {
    const float v = how.is_solarized && row[i] >= 0.5F ? 1 - row[i] : row[i];
    out[count - 1 - i] = how.factor * v + how.shift;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::imaging
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::imaging {

HWY_EXPORT(mix_floats);
HWY_EXPORT(mix_u16);
HWY_EXPORT(scale_all);
HWY_EXPORT(sum_all);
HWY_EXPORT(raise_all);
HWY_EXPORT(multiply_exp_row);
HWY_EXPORT(finish);

void mix_rows(std::span<const float* const> rows, std::span<const float> weights, std::size_t width, float* out) {
  HWY_DYNAMIC_DISPATCH(mix_floats)(rows, weights, width, out);
}

void mix_levels(const std::uint16_t* rows, std::size_t stride, std::span<const float> weights, float scale,
                std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(mix_u16)(rows, stride, weights, scale, out);
}

void scale_clamped(std::span<float> values, float factor, float shift) {
  HWY_DYNAMIC_DISPATCH(scale_all)(values, factor, shift);
}

float sum_of(std::span<const float> values) { return HWY_DYNAMIC_DISPATCH(sum_all)(values); }

void raise(std::span<float> values, float power) { HWY_DYNAMIC_DISPATCH(raise_all)(values, power); }

void multiply_exp(std::span<float> row, float c0, float c1, float c2) {
  HWY_DYNAMIC_DISPATCH(multiply_exp_row)(row, c0, c1, c2);
}

void finish_row(std::span<const float> row, const Finish& how, float* out) {
  HWY_DYNAMIC_DISPATCH(finish)(row, how, out);
}

}  // namespace gyrus::imaging
#endif
