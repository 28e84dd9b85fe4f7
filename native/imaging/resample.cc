#include "imaging/resample.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imaging/resample.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::imaging {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// sums[x] += weight * source[x]
void add_row(const std::uint16_t* source, float weight, std::size_t columns, float* sums) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const hn::RebindToSigned<decltype(d)> d32;
  const auto factor = hn::Set(d, weight);
  std::size_t x = 0;
  for (; x + hn::Lanes(d) <= columns; x += hn::Lanes(d)) {
    const auto values = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d16, source + x)));
    hn::StoreU(hn::MulAdd(factor, values, hn::LoadU(d, sums + x)), d, sums + x);
  }
  for (; x < columns; ++x) sums[x] += weight * static_cast<float>(source[x]);
}

std::uint16_t to_level(float sum) {
  return static_cast<std::uint16_t>(std::floor(std::min(std::max(sum, 0.0F), 65535.0F) + 0.5F));
}

// One row of the result from a row that has been resampled vertically.
void resample_row(const float* row, const AxisTaps& taps, std::size_t size, std::uint16_t* result) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const auto half = hn::Set(d, 0.5F), most = hn::Set(d, 65535.0F);
  std::size_t x = 0;
  for (; x + hn::Lanes(d) <= size; x += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    const auto first = hn::LoadU(d32, taps.first.data() + x);
    for (std::int64_t tap = 0; tap < taps.count; ++tap) {
      const auto weight = hn::LoadU(d, taps.weight.data() + static_cast<std::size_t>(tap) * size + x);
      sum = hn::MulAdd(weight, hn::GatherIndex(d, row + tap, first), sum);
    }
    const auto levels = hn::ConvertTo(d32, hn::Add(hn::Min(hn::Max(sum, hn::Zero(d)), most), half));
    hn::StoreU(hn::DemoteTo(d16, levels), d16, result + x);
  }
  for (; x < size; ++x) {
    float sum = 0;
    for (std::int64_t tap = 0; tap < taps.count; ++tap) {
      sum += taps.weight[static_cast<std::size_t>(tap) * size + x] * row[taps.first[x] + tap];
    }
    result[x] = to_level(sum);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::imaging
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::imaging {

HWY_EXPORT(add_row);
HWY_EXPORT(resample_row);

namespace {

// `scale`: source pixels from one pixel of the result to the next.
AxisTaps axis_taps(std::int64_t source, std::int64_t size, double scale) {
  const double support = std::max(scale, 1.0), middle = static_cast<double>(source) / 2;
  AxisTaps taps;
  // Integers in an open interval. Voxel sizes come from files: what they lead to may be beyond any integer.
  taps.count = static_cast<std::int64_t>(std::min(static_cast<double>(source), std::ceil(2 * support)));
  taps.first.resize(static_cast<std::size_t>(size));
  taps.weight.resize(static_cast<std::size_t>(taps.count * size));
  for (std::int64_t i = 0; i < size; ++i) {
    const double center = (static_cast<double>(i) + 0.5 - static_cast<double>(size) / 2) * scale + middle;
    // Beyond the source all weights stay 0. NaN is beyond it.
    if (!(center >= 0 && center <= static_cast<double>(source))) continue;
    const double wanted = std::floor(center - 0.5 - support) + 1;
    const auto first = static_cast<std::int64_t>(std::clamp(wanted, 0.0, static_cast<double>(source - taps.count)));
    const auto weight_of = [&](std::int64_t tap) {
      return std::max(0.0, 1 - std::abs(static_cast<double>(first + tap) + 0.5 - center) / support);
    };
    double sum = 0;
    for (std::int64_t tap = 0; tap < taps.count; ++tap) sum += weight_of(tap);
    taps.first[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(first);
    for (std::int64_t tap = 0; tap < taps.count; ++tap) {
      taps.weight[static_cast<std::size_t>(tap * size + i)] = static_cast<float>(weight_of(tap) / sum);
    }
  }
  return taps;
}

}  // namespace

void Resampler::prepare(const ResampleGeometry& geometry) {
  if (geometry == geometry_) return;
  geometry_ = geometry;
  const double height = static_cast<double>(geometry.rows) * geometry.row_mm;
  const double width = static_cast<double>(geometry.columns) * geometry.column_mm;
  const double mm = std::max(height, width) / static_cast<double>(geometry.size);
  // Voxel sizes are stored as f32 and reckoned from an affine: equal to some 1e-6.
  constexpr double kSquare = 1e-4;
  is_copy_ = geometry.rows == geometry.size && geometry.columns == geometry.size &&
             std::abs(geometry.row_mm / geometry.column_mm - 1) < kSquare;
  rows_ = axis_taps(geometry.rows, geometry.size, mm / geometry.row_mm);
  columns_ = axis_taps(geometry.columns, geometry.size, mm / geometry.column_mm);
  row_.resize(static_cast<std::size_t>(geometry.columns));
}

void Resampler::run(std::span<const std::uint16_t> source, std::span<std::uint16_t> result) {
  const auto size = static_cast<std::size_t>(geometry_.size), columns = static_cast<std::size_t>(geometry_.columns);
  GYRUS_ASSERT(result.size() == size * size && source.size() == columns * static_cast<std::size_t>(geometry_.rows));
  if (is_copy_) {
    std::copy(source.begin(), source.end(), result.begin());
    return;
  }
  for (std::size_t y = 0; y < size; ++y) {
    std::fill(row_.begin(), row_.end(), 0.0F);
    for (std::int64_t tap = 0; tap < rows_.count; ++tap) {
      const float weight = rows_.weight[static_cast<std::size_t>(tap) * size + y];
      if (weight == 0) continue;
      const auto from = static_cast<std::size_t>(rows_.first[y] + tap);
      HWY_DYNAMIC_DISPATCH(add_row)(source.data() + from * columns, weight, columns, row_.data());
    }
    HWY_DYNAMIC_DISPATCH(resample_row)(row_.data(), columns_, size, result.data() + y * size);
  }
}

}  // namespace gyrus::imaging
#endif
