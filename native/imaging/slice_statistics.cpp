#include "imaging/slice_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "core/error.h"
#include "imaging/entropy.h"
#include "imaging/grey_levels.h"
#include "imaging/slices.h"

namespace gyrus::imaging {

// Where a slice's counts lie in the pool of them all. A slice with fewer elements than keys from its least to its most
// has none: it is counted when the levels of keys are known, for tables larger than slices need more memory than the
// file does.
struct SliceCounts {
  std::size_t begin = 0;
  KeyRange range;
  bool is_pooled = true;

  std::size_t size() const { return static_cast<std::size_t>(range.most - range.least) + 1; }
};

namespace {

using Counts = std::array<std::uint32_t, 256>;

constexpr std::size_t kKeys = 65536;

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

bool is_foreground(double value, const Window& window, double threshold) {
  return !window.is_flat() && value > window.low + threshold * (window.high - window.low);
}

KeyLevels levels_of(const Voxels& voxels, KeyRange range, const Window& window, double threshold) {
  KeyLevels levels;
  for (std::int64_t key = range.least; key <= range.most; ++key) {
    const double value = voxels.value_of(key);
    levels.grey.push_back(static_cast<std::uint8_t>(grey_level(value, window)));
    levels.is_foreground.push_back(is_foreground(value, window, threshold) ? 1 : 0);
  }
  return levels;
}

// Outside the box every pixel is zero, so leaving it away only lessens the count of zero's grey level.
void keep_box(Counts& counts, std::int64_t elements, std::int64_t area, const Window& window) {
  counts[static_cast<std::size_t>(grey_level(0, window))] -= static_cast<std::uint32_t>(elements - area);
}

// The stored element whose value is zero, if there is one.
bool find_zero(const Voxels& voxels, KeyRange range, std::uint16_t& element) {
  for (std::int64_t key = range.least; key <= range.most; ++key) {
    if (voxels.value_of(key) != 0) continue;
    element = static_cast<std::uint16_t>(key ^ voxels.sign);
    return true;
  }
  return false;
}

}  // namespace

int grey_level(double value, const Window& window) {
  if (window.is_flat() || !(value > window.low)) return 0;
  return static_cast<int>(std::fmin((value - window.low) / (window.high - window.low) * 255, 255));
}

template <class T>
std::vector<SliceCounts> SliceStatistician::count_slices(Slices<T>& slices, T sign, std::vector<std::uint64_t>& total) {
  std::vector<SliceCounts> all;
  pool_.clear();
  for (std::int64_t slice = 0; slice < slices.count(); ++slice) {
    const Runs<T> runs = slices[slice];
    SliceCounts counts{pool_.size(), {0, 255}, true};
    if constexpr (std::is_same_v<T, std::uint16_t>) counts.range = key_range(runs, sign);
    counts.is_pooled = static_cast<std::int64_t>(counts.size()) <= slices.elements();
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
  const std::vector<SliceCounts> counted = count_slices(slices, sign, total);
  KeyRange all{0xffff, 0};
  for (const SliceCounts& counts : counted) {
    all = {std::min(all.least, counts.range.least), std::max(all.most, counts.range.most)};
  }
  const auto keys = static_cast<std::size_t>(all.most - all.least) + 1;
  statistics.window = window_of_keys(voxels, all.least, std::span(total).subspan(all.least, keys), options.percentiles);

  const KeyLevels levels = levels_of(voxels, all, statistics.window, options.foreground);
  std::uint16_t zero = 0;
  const bool has_box = options.domain == EntropyDomain::box && find_zero(voxels, all, zero);
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
    if (has_box) {
      keep_box(grey, slices.elements(), occupied_area(slices[slice], static_cast<T>(zero)), statistics.window);
    }
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
  statistics.non_finite = std::count_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
  const Window& window = statistics.window;
  Slices<float> slices(volume, options.plane);
  for (std::int64_t slice = 0; slice < slices.count(); ++slice) {
    const Runs<float> runs = slices[slice];
    grey_.resize(static_cast<std::size_t>(runs.count * runs.length));
    std::int64_t foreground = 0;
    for (std::int64_t run = 0; run < runs.count; ++run) {
      const std::span<const float> row(runs.data + run * runs.step, static_cast<std::size_t>(runs.length));
      to_grey_levels(row, window, std::span(grey_).subspan(static_cast<std::size_t>(run * runs.length), row.size()));
      foreground += std::count_if(row.begin(), row.end(),
                                  [&](float x) { return is_foreground(double{x}, window, options.foreground); });
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
