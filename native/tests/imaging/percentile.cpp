// Percentiles against a sorted copy, for values and for keys; what does not count; windows of nothing.
#include "imaging/percentile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/harness/fill.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using imaging::PercentileOptions;
using imaging::Window;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

// NumPy's definition (method 'linear') on sorted values.
double percentile_of(const std::vector<float>& sorted, double percent) {
  const double at = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double t = at - static_cast<double>(below);
  return low + (high - low) * t;
}

Window expected(std::vector<float> values, const PercentileOptions& options) {
  std::erase_if(values, [&](float x) { return !std::isfinite(x) || (!options.counts_zeros && x == 0); });
  std::sort(values.begin(), values.end());
  return {percentile_of(values, options.low), percentile_of(values, options.high)};
}

bool is_near(double found, double wanted) {
  return std::abs(found - wanted) <= 1e-12 * std::max(1.0, std::abs(wanted));
}

void check_values(Check& check, const std::vector<float>& values, std::string_view name) {
  for (const bool counts_zeros : {false, true}) {
    for (const auto& [low, high] : {std::pair{0.5, 99.5}, {0.0, 100.0}, {25.0, 50.0}, {33.3, 33.4}}) {
      const PercentileOptions options{low, high, counts_zeros};
      const Window found = imaging::window_of_values(values, options), wanted = expected(values, options);
      check.that(is_near(found.low, wanted.low) && is_near(found.high, wanted.high), name, ", ", low, " to ", high,
                 ": ", found.low, " to ", found.high, ", expected ", wanted.low, " to ", wanted.high);
    }
  }
}

std::vector<float> normals(std::string_view name, std::int64_t count, double scale, double shift) {
  std::vector<float> values;
  for (const double x : fill_values(name, count, Fill::normal)) values.push_back(static_cast<float>(x * scale + shift));
  return values;
}

// Keys of a volume of 16 bits as the statistician counts them.
void check_keys(Check& check, double slope, double inter, std::int32_t bias) {
  imaging::Voxels voxels;
  voxels.slope = slope, voxels.inter = inter, voxels.bias = bias;
  const std::int64_t least = 100;
  std::vector<std::uint64_t> counts(50);
  std::vector<float> values;
  const std::vector<double> draws = fill_values("counts", 50, Fill::positive);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] = i % 7 == 3 ? 0 : static_cast<std::uint64_t>(draws[i] * 10);
    const double value = voxels.value_of(least + static_cast<std::int64_t>(i));
    values.insert(values.end(), counts[i], static_cast<float>(value));
  }
  for (const bool counts_zeros : {false, true}) {
    const PercentileOptions options{2, 71, counts_zeros};
    const Window found = imaging::window_of_keys(voxels, least, counts, options), wanted = expected(values, options);
    check.that(is_near(found.low, wanted.low) && is_near(found.high, wanted.high), "slope ", slope, " inter ", inter,
               ": ", found.low, " to ", found.high, ", expected ", wanted.low, " to ", wanted.high);
  }
}

}  // namespace

void imaging_percentile(Suite& suite) {
  suite.test("values, against a sorted copy", [](Check& check) {
    for (const std::int64_t count : {1, 2, 3, 10, 999, 50'000}) {
      check_values(check, normals("plain", count, 300, 500), "normal");
      check_values(check, normals("signed", count, 1e-3, 0), "small, of both signs");
    }
    std::vector<float> many = normals("holes", 5000, 10, 0);
    for (std::size_t i = 0; i < many.size(); i += 3) many[i] = 0;
    for (std::size_t i = 1; i < many.size(); i += 50) many[i] = i % 100 == 1 ? kNan : kInf;
    check_values(check, many, "zeros and non-finite values");
    check_values(check, std::vector<float>(100, 7), "ties");
    check_values(check, {1e-42F, -1e-42F, 3e38F, -3e38F, 1}, "denormals and extremes");
  });
  suite.test("many random volumes, with ties, crowds and signs", [](Check& check) {
    for (int seed = 0; seed < 120; ++seed) {
      const std::vector<double> size = fill_values(text("size", seed), 1, Fill::positive);
      std::vector<float> values = normals(text("many", seed), static_cast<std::int64_t>(size[0] * 700), 1, 0);
      for (float& x : values) {
        if (seed % 4 == 0) x = std::round(4 * x);            // ties, zeros
        if (seed % 4 == 1) x = 1000 + x / 1000;              // all share their leading bits
        if (seed % 4 == 2) x = x < 0 ? x * 1e-41F : x;       // denormals
        if (seed % 4 == 3) x = std::exp(40 * x / 3) - 1e3F;  // of all magnitudes
      }
      check_values(check, values, text("seed ", seed));
    }
    check_values(check, {0.0F, -0.0F, 0.0F, 1}, "zeros of both signs");
    check_values(check, {-5}, "one value");
  });
  suite.test("keys, against their values", [](Check& check) {
    check_keys(check, 1, 0, 0);
    check_keys(check, 0.25, -30, 0);
    check_keys(check, -2, 5, 0);    // order turned round
    check_keys(check, 1, 0, 120);   // zero is among them
    check_keys(check, 1, -120, 0);  // by the intercept
    check_keys(check, -1, 0, 32768);
  });
  suite.test("nothing that counts is a flat window at zero", [](Check& check) {
    const std::vector<float> zeros(9), none, broken(4, kNan);
    for (const auto& values : {zeros, none, broken}) {
      const Window window = imaging::window_of_values(values, {});
      check.that(window.is_flat() && window.low == 0 && window.high == 0, "a window of ", values.size());
    }
    const std::vector<std::uint64_t> counts = {5};
    check.that(imaging::window_of_keys({}, 0, counts, {}).is_flat(), "keys of zero");
  });
}

}  // namespace gyrus::tests::suites
