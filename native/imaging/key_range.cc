// key_range: 2 bytes read an element, two comparisons.
#include <algorithm>

#include "imaging/histogram.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imaging/key_range.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::imaging {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

KeyRange key_range_of(const Runs<std::uint16_t>& runs, std::uint16_t sign) {
  const hn::ScalableTag<std::uint16_t> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto flip = hn::Set(d, sign);
  auto least = hn::Set(d, std::uint16_t{0xffff}), most = hn::Zero(d);
  std::uint16_t least_rest = 0xffff, most_rest = 0;
  for (std::int64_t run = 0; run < runs.count; ++run) {
    const std::uint16_t* row = runs.data + run * runs.step;
    std::int64_t i = 0;
    for (; i + lanes <= runs.length; i += lanes) {
      const auto keys = hn::Xor(hn::LoadU(d, row + i), flip);
      least = hn::Min(least, keys);
      most = hn::Max(most, keys);
    }
    for (; i < runs.length; ++i) {
      const auto key = static_cast<std::uint16_t>(row[i] ^ sign);
      least_rest = std::min(least_rest, key);
      most_rest = std::max(most_rest, key);
    }
  }
  HWY_ALIGN std::uint16_t low[HWY_MAX_BYTES / 2], high[HWY_MAX_BYTES / 2];
  hn::Store(least, d, low);
  hn::Store(most, d, high);
  return {std::min(least_rest, *std::min_element(low, low + lanes)),
          std::max(most_rest, *std::max_element(high, high + lanes))};
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::imaging
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::imaging {

HWY_EXPORT(key_range_of);

KeyRange key_range(const Runs<std::uint16_t>& runs, std::uint16_t sign) {
  return HWY_DYNAMIC_DISPATCH(key_range_of)(runs, sign);
}

}  // namespace gyrus::imaging
#endif
