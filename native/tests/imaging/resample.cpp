// Resampling against its definition in f64, for enlarging, reducing, oblong slices, odd sizes and absurd voxels.
#include "imaging/resample.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/imaging/simd_targets.h"

namespace gyrus::tests::suites {
namespace {

using imaging::ResampleGeometry;

std::vector<std::uint16_t> draw(std::int64_t count) {
  std::vector<std::uint16_t> values;
  std::uint32_t state = 11;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<std::uint16_t>((state = state * 1664525 + 1013904223) >> 16));
  }
  return values;
}

// Weights of source pixels for one pixel of the result: a triangle about its middle, as wide as the coarser grid.
std::vector<double> weights(std::int64_t source, double center, double scale) {
  std::vector<double> result(static_cast<std::size_t>(source));
  if (center < 0 || center > static_cast<double>(source)) return result;
  double sum = 0;
  for (std::int64_t i = 0; i < source; ++i) {
    const double distance = std::abs(static_cast<double>(i) + 0.5 - center);
    sum += result[static_cast<std::size_t>(i)] = std::max(0.0, 1 - distance / std::max(scale, 1.0));
  }
  for (double& weight : result) weight /= sum;
  return result;
}

// `only_level`: a source of this one level instead of noise.
void check_geometry(Check& check, std::string_view name, const ResampleGeometry& geometry, int only_level = -1) {
  std::vector<std::uint16_t> source = draw(geometry.rows * geometry.columns);
  if (only_level >= 0) std::ranges::fill(source, static_cast<std::uint16_t>(only_level));
  const auto size = static_cast<std::size_t>(geometry.size), columns = static_cast<std::size_t>(geometry.columns);
  std::vector<std::uint16_t> found(size * size, 1);
  imaging::Resampler resampler;
  resampler.prepare(geometry);
  resampler.run(source, found);
  const double height = static_cast<double>(geometry.rows) * geometry.row_mm;
  const double width = static_cast<double>(geometry.columns) * geometry.column_mm;
  const double mm = std::max(height, width) / static_cast<double>(size);
  const auto center = [&](std::size_t i, std::int64_t extent, double scale) {
    return (static_cast<double>(i) + 0.5 - static_cast<double>(size) / 2) * scale + static_cast<double>(extent) / 2;
  };
  double worst = 0;
  for (std::size_t y = 0; y < size; ++y) {
    const double row_scale = mm / geometry.row_mm, column_scale = mm / geometry.column_mm;
    const std::vector<double> down = weights(geometry.rows, center(y, geometry.rows, row_scale), row_scale);
    for (std::size_t x = 0; x < size; ++x) {
      const std::vector<double> along =
          weights(geometry.columns, center(x, geometry.columns, column_scale), column_scale);
      double sum = 0;
      for (std::size_t i = 0; i < down.size(); ++i) {
        if (down[i] == 0) continue;
        for (std::size_t j = 0; j < columns; ++j) sum += down[i] * along[j] * source[i * columns + j];
      }
      worst = std::max(worst, std::abs(sum - found[y * size + x]));
    }
  }
  // Half a level of rounding, and f32 sums of 65535 levels.
  check.that(worst <= 0.52, name, ": ", geometry.rows, " x ", geometry.columns, " to ", size, ": off by ", worst);
}

}  // namespace

void imaging_resample(Suite& suite) {
  suite.test("the definition, in f64", [](Check& check) {
    for_each_simd_target([&](std::string_view name) {
      for (const ResampleGeometry& geometry : std::initializer_list<ResampleGeometry>{{40, 40, 1, 1, 16},
                                                                                      {16, 16, 1, 1, 40},
                                                                                      {41, 29, 1, 1, 32},
                                                                                      {30, 20, 0.9, 1.4, 33},
                                                                                      {20, 30, 3, 1, 17},
                                                                                      {1, 1, 1, 1, 8},
                                                                                      {1, 50, 1, 1, 24},
                                                                                      {50, 1, 1, 1, 23},
                                                                                      {7, 3, 0.1, 5, 19},
                                                                                      {64, 64, 1, 1, 63},
                                                                                      {64, 64, 1, 1, 1},
                                                                                      {33, 65, 1, 1, 2}}) {
        check_geometry(check, name, geometry);
      }
      // Sums of weights are not quite one: the highest level must stay what it is.
      check_geometry(check, name, {41, 29, 1, 1, 32}, 65535);
      check_geometry(check, name, {29, 41, 1, 1, 70}, 65535);
    });
  });
  suite.test("the same size and square pixels are a copy", [](Check& check) {
    const std::vector<std::uint16_t> source = draw(24 * 24);
    std::vector<std::uint16_t> found(source.size());
    imaging::Resampler resampler;
    resampler.prepare({24, 24, 0.9375, 0.93750001, 24});
    resampler.run(source, found);
    check.that(found == source, "copied");
    resampler.prepare({24, 24, 1, 2, 24});
    resampler.run(source, found);
    check.that(found != source && found[0] == 0, "not where pixels are oblong: above is nothing");
  });
  suite.test("voxel sizes that no scanner has", [](Check& check) {
    const std::vector<std::uint16_t> source(12 * 10, 500);
    for (const auto& [row, column] : {std::pair{1e-300, 1e300}, {1e300, 1e-300}, {1e308, 1e308}, {5e-324, 1.0}}) {
      std::vector<std::uint16_t> found(15 * 15, 7);
      imaging::Resampler resampler;
      resampler.prepare({12, 10, row, column, 15});
      resampler.run(source, found);
      check.that(std::ranges::all_of(found, [](std::uint16_t x) { return x <= 500; }), row, " by ", column);
    }
  });
}

}  // namespace gyrus::tests::suites
