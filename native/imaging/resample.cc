#include "imaging/resample.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "imaging/transpose.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imaging/resample.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

#ifndef GYRUS_IMAGING_RESAMPLE_ROWS
#define GYRUS_IMAGING_RESAMPLE_ROWS
namespace gyrus::imaging {
inline constexpr std::size_t kRows = 16;  // of the result that are made together
}  // namespace gyrus::imaging
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::imaging {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One row of the result, as wide as the source: sums over its taps of rows of the source.
void mix_rows(const std::uint16_t* source, std::size_t columns, const AxisTaps& taps, std::size_t at, float* mixed) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const hn::RebindToSigned<decltype(d)> d32;
  const std::size_t size = taps.first.size(), count = static_cast<std::size_t>(taps.count);
  const std::uint16_t* const first = source + static_cast<std::size_t>(taps.first[at]) * columns;
  std::size_t x = 0;
  for (; x + hn::Lanes(d) <= columns; x += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    for (std::size_t tap = 0; tap < count; ++tap) {
      const auto values = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d16, first + tap * columns + x)));
      sum = hn::MulAdd(hn::Set(d, taps.weight[tap * size + at]), values, sum);
    }
    hn::StoreU(sum, d, mixed + x);
  }
  for (; x < columns; ++x) {
    float sum = 0;
    for (std::size_t tap = 0; tap < count; ++tap) {
      sum += taps.weight[tap * size + at] * static_cast<float>(first[tap * columns + x]);
    }
    mixed[x] = sum;
  }
}

// Columns of the result from columns of the source, kRows elements of each side by side: no lane needs another address.
void mix_columns(const float* columns, const AxisTaps& taps, std::uint16_t* levels) {
  const hn::CappedTag<float, kRows> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  const auto half = hn::Set(d, 0.5F), most = hn::Set(d, 65535.0F);
  const std::size_t size = taps.first.size(), count = static_cast<std::size_t>(taps.count);
  for (std::size_t x = 0; x < size; ++x) {
    const float* const first = columns + static_cast<std::size_t>(taps.first[x]) * kRows;
    for (std::size_t row = 0; row < kRows; row += hn::Lanes(d)) {
      auto sum = hn::Zero(d);
      for (std::size_t tap = 0; tap < count; ++tap) {
        sum = hn::MulAdd(hn::Set(d, taps.weight[tap * size + x]), hn::LoadU(d, first + tap * kRows + row), sum);
      }
      const auto rounded = hn::ConvertTo(d32, hn::Add(hn::Min(hn::Max(sum, hn::Zero(d)), most), half));
      hn::StoreU(hn::DemoteTo(d16, rounded), d16, levels + x * kRows + row);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::imaging
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::imaging {

HWY_EXPORT(mix_rows);
HWY_EXPORT(mix_columns);

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
  rows_mixed_.resize(kRows * static_cast<std::size_t>(geometry.columns));
  turned_.resize(rows_mixed_.size());
  levels_.resize(kRows * static_cast<std::size_t>(geometry.size));
}

void Resampler::run(std::span<const std::uint16_t> source, std::span<std::uint16_t> result) {
  const auto size = static_cast<std::size_t>(geometry_.size), columns = static_cast<std::size_t>(geometry_.columns);
  GYRUS_ASSERT(result.size() == size * size && source.size() == columns * static_cast<std::size_t>(geometry_.rows));
  if (is_copy_) {
    std::copy(source.begin(), source.end(), result.begin());
    return;
  }
  for (std::size_t y = 0; y < size; y += kRows) {
    const std::size_t rows = std::min(kRows, size - y);
    for (std::size_t row = 0; row < rows; ++row) {
      HWY_DYNAMIC_DISPATCH(mix_rows)(source.data(), columns, rows_, y + row, rows_mixed_.data() + row * columns);
    }
    // Rows beyond the result keep what they had: their columns are not copied back.
    transpose({rows_mixed_.data(), geometry_.columns}, kRows, geometry_.columns, {turned_.data(), kRows});
    HWY_DYNAMIC_DISPATCH(mix_columns)(turned_.data(), columns_, levels_.data());
    transpose({levels_.data(), kRows}, geometry_.size, static_cast<std::int64_t>(rows),
              {result.data() + y * size, geometry_.size});
  }
}

}  // namespace gyrus::imaging
#endif
