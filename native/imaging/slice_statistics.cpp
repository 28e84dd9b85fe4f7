#include "imaging/slice_statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include "core/error.h"
#include "imaging/entropy.h"
#include "imaging/grey_levels.h"
#include "imaging/slices.h"

namespace gyrus::imaging {

// Where a slice's counts lie in the pool of them all. A slice with fewer elements than keys from its least to its most
// has none, nor have slices that come when the pool is full: they are counted when the levels of keys are known, for
// tables larger than slices need more memory than the file does.
struct SliceCounts {
  std::size_t begin = 0;
  KeyRange range;
  bool is_pooled = true;
  std::int64_t area = 0;  // of what entropy is taken over: the slice, or the box of all pixels unequal to zero

  std::size_t size() const { return static_cast<std::size_t>(range.most - range.least) + 1; }
};

namespace {

using Counts = std::array<std::uint32_t, 256>;

constexpr std::size_t kKeys = 65536;
constexpr std::size_t kMostPooled = std::size_t{1} << 21;  // counts: more than a usual volume has

template <class T, class Visit>
void for_each_key(const Runs<T>& runs, T sign, Visit visit) {
  for (std::int64_t run = 0; run < runs.count; ++run) {
    const T* row = runs.data + run * runs.step;
    for (std::int64_t i = 0; i < runs.length; ++i) visit(static_cast<std::size_t>(row[i] ^ sign));
  }
}

// Grey levels of all keys from range.least on, and the first of them that is foreground.
struct KeyLevels {
  std::vector<std::uint8_t> grey;
  std::vector<std::uint8_t> is_foreground;
};

// What values of the foreground are above.
double foreground_bound(const Window& window, double threshold) {
  if (window.is_flat()) return std::numeric_limits<double>::infinity();
  return window.low + threshold * (window.high - window.low);
}

// The largest float that is not above `bound`: a float is above the one if it is above the other.
float float_below(double bound) {
  const auto nearest = static_cast<float>(bound);
  return nearest > bound ? std::nextafter(nearest, -std::numeric_limits<float>::infinity()) : nearest;
}

struct RowCounts {
  std::int32_t foreground = 0, non_finite = 0;
};

// Written so that the compiler makes vectors of it; rows have fewer elements than 2^16.
RowCounts count_row(std::span<const float> row, float bound) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  RowCounts counts;
  for (const float x : row) {
    counts.foreground += x > bound ? 1 : 0;
    counts.non_finite += (std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent ? 1 : 0;
  }
  return counts;
}

KeyLevels levels_of(const Voxels& voxels, KeyRange range, const Window& window, double threshold) {
  const double bound = foreground_bound(window, threshold);
  KeyLevels levels;
  for (std::int64_t key = range.least; key <= range.most; ++key) {
    const double value = voxels.value_of(key);
    levels.grey.push_back(static_cast<std::uint8_t>(grey_level(value, window)));
    levels.is_foreground.push_back(value > bound ? 1 : 0);
  }
  return levels;
}

// Outside the box every pixel is zero, so leaving it away only lessens the count of zero's grey level.
void keep_box(Counts& counts, std::int64_t elements, std::int64_t area, const Window& window) {
  counts[static_cast<std::size_t>(grey_level(0, window))] -= static_cast<std::uint32_t>(elements - area);
}

// The stored element whose value is zero, if there is one.
template <class T>
std::optional<T> find_zero(const Voxels& voxels) {
  for (std::int64_t key = 0; key <= std::numeric_limits<T>::max(); ++key) {
    if (voxels.value_of(key) == 0) return static_cast<T>(key ^ voxels.sign);
  }
  return std::nullopt;
}

}  // namespace

int grey_level(double value, const Window& window) {
  if (window.is_flat() || !(value > window.low)) return 0;
  return static_cast<int>(std::fmin((value - window.low) / (window.high - window.low) * 255, 255));
}

template <class T>
std::vector<SliceCounts> SliceStatistician::count_slices(Slices<T>& slices, T sign, std::optional<T> background,
                                                         std::vector<std::uint64_t>& total) {
  std::vector<SliceCounts> all;
  pool_.clear();
  for (std::int64_t slice = 0; slice < slices.count(); ++slice) {
    const Runs<T> runs = slices[slice];
    SliceCounts counts{pool_.size(), {0, 255}, true, slices.elements()};
    if constexpr (std::is_same_v<T, std::uint16_t>) counts.range = key_range(runs, sign);
    counts.is_pooled = static_cast<std::int64_t>(counts.size()) <= slices.elements() && pool_.size() <= kMostPooled;
    if (background) counts.area = occupied_area(runs, *background);
    all.push_back(counts);
    if (!counts.is_pooled) {
      for_each_key(runs, sign, [&](std::size_t key) { ++total[key]; });
      continue;
    }
    pool_.resize(counts.begin + counts.size());
    const std::span<std::uint32_t> place = std::span(pool_).subspan(counts.begin);
    if constexpr (std::is_same_v<T, std::uint16_t>) {
      histogram_.count(runs, sign, counts.range, place);
    } else {
      count_bytes(runs, sign, place.template first<256>());
    }
    for (std::size_t i = 0; i < counts.size(); ++i) total[counts.range.least + i] += place[i];
  }
  return all;
}

template <class T>
void SliceStatistician::examine_keys(const Volume& volume, const StatisticsOptions& options,
                                     VolumeStatistics& statistics) {
  const Voxels& voxels = volume.voxels;
  const T sign = static_cast<T>(voxels.sign);
  Slices<T> slices(volume, options.plane);
  std::vector<std::uint64_t> total(kKeys);
  const bool has_box = options.domain == EntropyDomain::box;
  const std::vector<SliceCounts> counted =
      count_slices(slices, sign, has_box ? find_zero<T>(voxels) : std::nullopt, total);
  KeyRange all{0xffff, 0};
  for (const SliceCounts& counts : counted) {
    all = {std::min(all.least, counts.range.least), std::max(all.most, counts.range.most)};
  }
  const auto keys = static_cast<std::size_t>(all.most - all.least) + 1;
  statistics.window = window_of_keys(voxels, all.least, std::span(total).subspan(all.least, keys), options.percentiles);

  const KeyLevels levels = levels_of(voxels, all, statistics.window, options.foreground);
  for (std::int64_t slice = 0; slice < slices.count(); ++slice) {
    const SliceCounts& counts = counted[static_cast<std::size_t>(slice)];
    Counts grey{};
    std::uint64_t foreground = 0;
    const auto add = [&](std::size_t key, std::uint32_t count) {
      grey[levels.grey[key - all.least]] += count;
      foreground += levels.is_foreground[key - all.least] * std::uint64_t{count};
    };
    if (counts.is_pooled) {
      for (std::size_t i = 0; i < counts.size(); ++i) add(counts.range.least + i, pool_[counts.begin + i]);
    } else {
      for_each_key(slices[slice], sign, [&](std::size_t key) { add(key, 1); });
    }
    keep_box(grey, slices.elements(), counts.area, statistics.window);
    statistics.entropy[slices.canonical(slice)] = entropy_bits(grey);
    statistics.foreground[slices.canonical(slice)] =
        static_cast<double>(foreground) / static_cast<double>(slices.elements());
  }
}

void SliceStatistician::examine_values(const Volume& volume, const StatisticsOptions& options,
                                       VolumeStatistics& statistics) {
  const std::span<const float> values(static_cast<const float*>(volume.voxels.data),
                                      static_cast<std::size_t>(volume.voxels.count()));
  statistics.window = window_of_values(values, options.percentiles);
  const Window& window = statistics.window;
  const float bound = float_below(foreground_bound(window, options.foreground));
  Slices<float> slices(volume, options.plane);
  for (std::int64_t slice = 0; slice < slices.count(); ++slice) {
    const Runs<float> runs = slices[slice];
    grey_.resize(static_cast<std::size_t>(runs.count * runs.length));
    std::int64_t foreground = 0;
    for (std::int64_t run = 0; run < runs.count; ++run) {
      const std::span<const float> row(runs.data + run * runs.step, static_cast<std::size_t>(runs.length));
      to_grey_levels(row, window, std::span(grey_).subspan(static_cast<std::size_t>(run * runs.length), row.size()));
      const RowCounts counts = count_row(row, bound);
      foreground += counts.foreground;
      statistics.non_finite += counts.non_finite;
    }
    Counts grey;
    count_bytes({grey_.data(), runs.count, runs.length, runs.length}, 0, grey);
    if (options.domain == EntropyDomain::box) {
      keep_box(grey, slices.elements(), occupied_area(runs, 0.0F), window);
    }
    statistics.entropy[slices.canonical(slice)] = entropy_bits(grey);
    statistics.foreground[slices.canonical(slice)] =
        static_cast<double>(foreground) / static_cast<double>(slices.elements());
  }
}

VolumeStatistics SliceStatistician::examine(const Volume& volume, const StatisticsOptions& options) {
  check_extents(volume);
  VolumeStatistics statistics;
  const auto count = static_cast<std::size_t>(slice_count(volume, options.plane));
  statistics.entropy.resize(count);
  statistics.foreground.resize(count);
  switch (volume.voxels.kind) {
    case VoxelKind::u8:
      examine_keys<std::uint8_t>(volume, options, statistics);
      break;
    case VoxelKind::u16:
      examine_keys<std::uint16_t>(volume, options, statistics);
      break;
    case VoxelKind::f32:
      examine_values(volume, options, statistics);
      break;
  }
  return statistics;
}

}  // namespace gyrus::imaging
