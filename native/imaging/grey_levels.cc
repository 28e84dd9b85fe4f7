#include "imaging/grey_levels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imaging/grey_levels.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::imaging {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Levels 0..`most` of values that a vector of doubles holds, before `rounding` is cut off to an integer.
template <class Level>
void to_levels(const float* values, std::size_t count, const Window& window, double rounding, Level* levels) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> df;
  const hn::Rebind<std::int32_t, decltype(dd)> di;
  const hn::Rebind<Level, decltype(dd)> dl;
  constexpr double kMost = static_cast<Level>(-1);
  const auto low = hn::Set(dd, window.low), range = hn::Set(dd, window.high - window.low);
  const auto most = hn::Set(dd, kMost), zero = hn::Zero(dd), offset = hn::Set(dd, rounding);
  const auto level_of = [&](auto x) HWY_ATTR {
    const auto scaled = hn::Mul(hn::Div(hn::Sub(x, low), range), most);
    const auto clipped = hn::Min(hn::Max(hn::IfThenElseZero(hn::Eq(x, x), scaled), zero), most);
    return hn::DemoteTo(dl, hn::DemoteTo(di, hn::Add(clipped, offset)));
  };
  const std::size_t lanes = hn::Lanes(dd);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(level_of(hn::PromoteTo(dd, hn::LoadU(df, values + i))), dl, levels + i);
  }
  if (i == count) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
  HWY_ALIGN Level rest_levels[HWY_MAX_BYTES / sizeof(Level)];
  std::copy(values + i, values + count, rest);
  hn::StoreU(level_of(hn::PromoteTo(dd, hn::LoadU(df, rest))), dl, rest_levels);
  std::copy(rest_levels, rest_levels + (count - i), levels + i);
}

void grey_levels_of(const float* values, std::size_t count, const Window& window, std::uint8_t* levels) {
  to_levels(values, count, window, 0, levels);
}
void levels_16_of(const float* values, std::size_t count, const Window& window, std::uint16_t* levels) {
  to_levels(values, count, window, 0.5, levels);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::imaging
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::imaging {

HWY_EXPORT(grey_levels_of);
HWY_EXPORT(levels_16_of);

void to_grey_levels(std::span<const float> values, const Window& window, std::span<std::uint8_t> grey) {
  if (window.is_flat()) return std::fill(grey.begin(), grey.end(), std::uint8_t{0});
  HWY_DYNAMIC_DISPATCH(grey_levels_of)(values.data(), values.size(), window, grey.data());
}

void to_levels_16(std::span<const float> values, const Window& window, std::span<std::uint16_t> levels) {
  if (window.is_flat()) return std::fill(levels.begin(), levels.end(), std::uint16_t{0});
  HWY_DYNAMIC_DISPATCH(levels_16_of)(values.data(), values.size(), window, levels.data());
}

}  // namespace gyrus::imaging
#endif
