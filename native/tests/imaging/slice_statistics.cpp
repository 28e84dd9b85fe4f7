// Statistics and extraction of slices against plain loops over the canonical volume: every kind of voxel, every plane,
// every way to store it, boxes, values that are no numbers.
#include "imaging/slice_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "imaging/slice_extractor.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using imaging::EntropyDomain;
using imaging::Extents3;
using imaging::Plane;
using imaging::StatisticsOptions;
using imaging::Volume;
using imaging::VoxelKind;

constexpr Extents3 kExtents = {21, 18, 70};

// A ball of noise in the middle of nothing.
template <class T>
std::vector<T> draw(double scale, double outside) {
  std::vector<T> values;
  std::uint32_t state = 3;
  for (std::int64_t i = 0; i < kExtents[0] * kExtents[1] * kExtents[2]; ++i) {
    const std::int64_t column = i % 21, row = i / 21 % 18, slice = i / 378;
    const double x = static_cast<double>(column) / 10 - 1, y = static_cast<double>(row) / 9 - 1;
    const double z = static_cast<double>(slice) / 35 - 1;
    const double noise = static_cast<double>((state = state * 1664525 + 1013904223) >> 24) / 256;
    values.push_back(static_cast<T>(x * x + y * y + z * z < 0.8 ? scale * (1 - z * z / 2) * (0.5 + noise) : outside));
  }
  return values;
}

struct Stored {
  Volume volume;
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint16_t> words;
  std::vector<float> reals;
};

Stored store(VoxelKind kind, bool is_signed, const imaging::Orientation& orientation) {
  Stored stored;
  imaging::Voxels& voxels = stored.volume.voxels;
  voxels.extents = kExtents;
  voxels.kind = kind;
  stored.volume.orientation = orientation;
  if (kind == VoxelKind::u8) {
    stored.bytes = draw<std::uint8_t>(120, 0);
    if (is_signed) voxels.sign = 0x80, voxels.bias = 0x80;
    voxels.data = stored.bytes.data();
    voxels.slope = 0.5;
  } else if (kind == VoxelKind::u16) {
    stored.words = draw<std::uint16_t>(900, 0);
    if (is_signed) voxels.sign = 0x8000, voxels.bias = 0x8000;
    voxels.data = stored.words.data();
    voxels.slope = -2;  // values fall as keys rise
  } else {
    stored.reals = draw<float>(3.5, 0);
    stored.reals[5000] = std::numeric_limits<float>::quiet_NaN();
    stored.reals[9000] = std::numeric_limits<float>::infinity();
    voxels.data = stored.reals.data();
  }
  return stored;
}

// Pixels of a slice as they are looked at, from the canonical volume: row 0 is the top.
struct Slice {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> pixels;
};

Slice plain_slice(const Volume& volume, const std::vector<float>& canonical, Plane plane, std::int64_t index) {
  const Extents3 n = volume.extents();
  const std::size_t across = imaging::axis_of(plane), column = across == 0 ? 1 : 0, row = across == 2 ? 1 : 2;
  Slice slice{n[row], n[column], {}};
  for (std::int64_t y = n[row] - 1; y >= 0; --y) {
    for (std::int64_t x = 0; x < n[column]; ++x) {
      std::array<std::int64_t, 3> at{};
      at[across] = index, at[row] = y, at[column] = x;
      slice.pixels.push_back(canonical[static_cast<std::size_t>(at[0] + n[0] * (at[1] + n[1] * at[2]))]);
    }
  }
  return slice;
}

double scaled(double x, const imaging::Window& window) {
  return std::isnan(x) ? 0 : std::clamp((x - window.low) / (window.high - window.low), 0.0, 1.0);
}

double plain_entropy(const Slice& slice, const imaging::Window& window, EntropyDomain domain) {
  std::int64_t top = slice.rows, bottom = -1, left = slice.columns, right = -1;
  for (std::int64_t i = 0; i < slice.rows * slice.columns; ++i) {
    if (slice.pixels[static_cast<std::size_t>(i)] == 0) continue;
    top = std::min(top, i / slice.columns), bottom = std::max(bottom, i / slice.columns);
    left = std::min(left, i % slice.columns), right = std::max(right, i % slice.columns);
  }
  std::map<int, double> counts;
  double total = 0;
  for (std::int64_t i = 0; i < slice.rows * slice.columns; ++i) {
    const std::int64_t y = i / slice.columns, x = i % slice.columns;
    if (domain == EntropyDomain::box && (y < top || y > bottom || x < left || x > right)) continue;
    counts[static_cast<int>(std::floor(255 * scaled(slice.pixels[static_cast<std::size_t>(i)], window)))] += 1;
    total += 1;
  }
  double bits = 0;
  for (const auto& [level, count] : counts) bits -= count / total * std::log2(count / total);
  return bits;
}

void check_statistics(Check& check, const Volume& volume, const StatisticsOptions& options, std::string_view name) {
  std::vector<float> canonical(static_cast<std::size_t>(volume.voxels.count()));
  imaging::read_canonical(volume, canonical);
  imaging::SliceStatistician statistician;
  const imaging::VolumeStatistics found = statistician.examine(volume, options);
  const imaging::Window window = imaging::window_of_values(canonical, options.percentiles);
  check.that(std::abs(found.window.low - window.low) < 1e-9 && std::abs(found.window.high - window.high) < 1e-9, name,
             ": window ", found.window.low, " to ", found.window.high);
  const std::int64_t count = imaging::slice_count(volume, options.plane);
  check.that(static_cast<std::int64_t>(found.entropy.size()) == count, name, ": slices");
  bool is_equal = true;
  for (std::int64_t index = 0; index < count; ++index) {
    const Slice slice = plain_slice(volume, canonical, options.plane, index);
    const double bits = plain_entropy(slice, found.window, options.domain);
    double foreground = 0;
    for (const double x : slice.pixels) {
      foreground += x > window.low + options.foreground * (window.high - window.low) ? 1 : 0;
    }
    foreground /= static_cast<double>(slice.pixels.size());
    const auto at = static_cast<std::size_t>(index);
    is_equal = is_equal && std::abs(found.entropy[at] - bits) < 1e-9;
    is_equal = is_equal && std::abs(found.foreground[at] - foreground) < 1e-9;
  }
  check.that(is_equal, name, ": entropies or foregrounds");

  // A slice that is as large as its picture is cut out as it is: take the square in the middle by its size.
  imaging::SliceExtractor extractor;
  const std::int64_t size = 33, index = count / 3;
  std::vector<std::uint16_t> out(33 * 33);
  extractor.extract(volume, {options.plane, found.window, size}, std::span(&index, 1), out);
  const Slice slice = plain_slice(volume, canonical, options.plane, index);
  imaging::Resampler resampler;
  resampler.prepare({slice.rows, slice.columns, 1, 1, size});
  std::vector<std::uint16_t> levels, expected(out.size());
  for (const double x : slice.pixels) {
    levels.push_back(static_cast<std::uint16_t>(std::floor(65535 * scaled(x, found.window) + 0.5)));
  }
  resampler.run(levels, expected);
  check.that(out == expected, name, ": the slice cut out");
}

void test_shapes(Suite& suite) {
  suite.test("slices smaller than their range of values, which get no table of their own", [](Check& check) {
    std::vector<std::uint16_t> values(2 * 3 * 40);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i * 48'271 % 65'536);
    Volume volume;
    volume.voxels = {.data = values.data(), .extents = {2, 3, 40}, .kind = VoxelKind::u16};
    check_statistics(check, volume, {}, "wide");
  });
  suite.test("slices across the fastest axis, which are gathered in blocks", [](Check& check) {
    const Extents3 extents = {131, 9, 5};
    std::vector<std::uint8_t> bytes(131 * 9 * 5);
    std::uint32_t state = 5;
    for (std::uint8_t& x : bytes) x = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 25);
    const std::vector<std::uint16_t> words(bytes.begin(), bytes.end());
    const std::vector<float> reals(bytes.begin(), bytes.end());
    for (const bool is_flipped : {false, true}) {
      Volume volume;
      volume.orientation[0].is_flipped = is_flipped;
      for (const EntropyDomain domain : {EntropyDomain::slice, EntropyDomain::box}) {
        const StatisticsOptions options{.plane = Plane::sagittal, .percentiles = {}, .domain = domain};
        volume.voxels = {.data = bytes.data(), .extents = extents, .kind = VoxelKind::u8};
        check_statistics(check, volume, options, "u8");
        volume.voxels = {.data = words.data(), .extents = extents, .kind = VoxelKind::u16};
        check_statistics(check, volume, options, "u16");
        volume.voxels = {.data = reals.data(), .extents = extents, .kind = VoxelKind::f32};
        check_statistics(check, volume, options, "f32");
      }
    }
  });
}

void test_odd_values(Suite& suite) {
  suite.test("values that are no numbers are counted", [](Check& check) {
    const Stored stored = store(VoxelKind::f32, false, {{{0, false}, {1, false}, {2, false}}});
    check.equal(imaging::SliceStatistician().examine(stored.volume, {}).non_finite, std::int64_t{2}, "of them");
  });
  suite.test("a volume of one value is flat", [](Check& check) {
    const std::vector<std::uint8_t> values(24, 9);
    Volume volume;
    volume.voxels = {.data = values.data(), .extents = {2, 3, 4}, .kind = VoxelKind::u8};
    const imaging::VolumeStatistics found = imaging::SliceStatistician().examine(volume, {});
    check.that(found.window.is_flat() && found.entropy == std::vector<double>(4), "no window, no entropy");
    check.that(found.foreground == std::vector<double>(4), "no foreground");
  });
  suite.test("more voxels along an axis than any scan has", [](Check& check) {
    const std::vector<std::uint8_t> values(65'536);
    for (const Extents3& extents : {Extents3{65'536, 1, 1}, {1, 65'536, 1}, {1, 1, 65'536}}) {
      Volume volume;
      volume.voxels = {.data = values.data(), .extents = extents, .kind = VoxelKind::u8};
      check.throws(Code::shape, "statistics", [&] { imaging::SliceStatistician().examine(volume, {}); });
      const std::int64_t index = 0;
      std::vector<std::uint16_t> out(16);
      check.throws(Code::shape, "a slice", [&] {
        imaging::SliceExtractor().extract(volume, {Plane::axial, {0, 1}, 4}, std::span(&index, 1), out);
      });
    }
  });
}

}  // namespace

void imaging_slice_statistics(Suite& suite) {
  const std::vector<imaging::Orientation> orientations = {
      {{{0, false}, {1, false}, {2, false}}}, {{{0, true}, {1, true}, {2, true}}},
      {{{2, false}, {0, true}, {1, false}}},  {{{1, true}, {2, false}, {0, true}}},
      {{{1, false}, {0, false}, {2, true}}},
  };
  struct Kind {
    VoxelKind kind;
    bool is_signed;
    std::string_view name;
  };
  for (const Kind& kind :
       {Kind{VoxelKind::u8, false, "u8"}, Kind{VoxelKind::u8, true, "i8"}, Kind{VoxelKind::u16, false, "u16"},
        Kind{VoxelKind::u16, true, "i16"}, Kind{VoxelKind::f32, false, "f32"}}) {
    suite.test(kind.name, [&orientations, kind](Check& check) {
      for (std::size_t i = 0; i < orientations.size(); ++i) {
        const Stored stored = store(kind.kind, kind.is_signed, orientations[i]);
        for (const Plane plane : {Plane::axial, Plane::coronal, Plane::sagittal}) {
          for (const EntropyDomain domain : {EntropyDomain::slice, EntropyDomain::box}) {
            StatisticsOptions options{.plane = plane, .percentiles = {}, .domain = domain};
            options.percentiles.counts_zeros = i % 2 == 1;
            check_statistics(check, stored.volume, options,
                             text("orientation ", i, " plane ", static_cast<int>(plane)));
          }
        }
      }
    });
  }
  test_shapes(suite);
  test_odd_values(suite);
}

}  // namespace gyrus::tests::suites
