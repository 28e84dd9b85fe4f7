// Histograms, entropies and grey levels against plain loops: odd lengths, gaps between runs, signs, counts that would
// overflow 16 bits.
#include "imaging/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "imaging/entropy.h"
#include "imaging/grey_levels.h"
#include "tests/harness/fill.h"
#include "tests/harness/suites.h"
#include "tests/imaging/simd_targets.h"

namespace gyrus::tests::suites {
namespace {

using imaging::KeyRange;
using imaging::Runs;

template <class T>
std::vector<T> noise(std::size_t count, std::uint32_t most, std::uint32_t seed = 1) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(((seed = seed * 1664525 + 1013904223) >> 8) % (most + 1));
  return values;
}

// All runs that fit `values` with these lengths; `gap` elements lie between them.
template <class T>
Runs<T> runs_of(const std::vector<T>& values, std::int64_t length, std::int64_t gap) {
  return {values.data(), static_cast<std::int64_t>(values.size()) / (length + gap), length, length + gap};
}

template <class T>
std::map<std::uint32_t, std::uint32_t> plain_counts(const Runs<T>& runs, std::uint32_t sign) {
  std::map<std::uint32_t, std::uint32_t> counts;
  for (std::int64_t run = 0; run < runs.count; ++run) {
    for (std::int64_t i = 0; i < runs.length; ++i) ++counts[runs.data[run * runs.step + i] ^ sign];
  }
  return counts;
}

void check_keys(Check& check, const Runs<std::uint16_t>& runs, std::uint16_t sign) {
  const auto plain = plain_counts(runs, sign);
  KeyRange range;
  for_each_simd_target([&](std::string_view name) {
    range = imaging::key_range(runs, sign);
    check.that(range.least == plain.begin()->first && range.most == plain.rbegin()->first, name, ": length ",
               runs.length, ": range ", range.least, " to ", range.most);
  });
  std::vector<std::uint32_t> counts(static_cast<std::size_t>(range.most - range.least) + 1, 99);
  imaging::KeyHistogram().count(runs, sign, range, counts);
  bool is_equal = true;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto found = plain.find(static_cast<std::uint32_t>(range.least + i));
    is_equal = is_equal && counts[i] == (found == plain.end() ? 0 : found->second);
  }
  check.that(is_equal, "length ", runs.length, " step ", runs.step, " sign ", sign);
}

void test_counts(Suite& suite) {
  suite.test("16-bit keys of every length", [](Check& check) {
    const auto values = noise<std::uint16_t>(20'000, 65'535);
    const auto narrow = noise<std::uint16_t>(20'000, 40);
    for (const std::uint16_t sign : {std::uint16_t{0}, std::uint16_t{0x8000}}) {
      for (std::int64_t length = 1; length < 70; ++length) {
        check_keys(check, runs_of(values, length, length % 3), sign);
        check_keys(check, runs_of(narrow, length, 1), sign);
      }
    }
  });
  suite.test("more of one key than 16 bits count", [](Check& check) {
    std::vector<std::uint16_t> values(1'200'000, 5);
    values[77] = 9;  // and no background, whose words are counted by themselves
    values[0] = 2;
    check_keys(check, runs_of(values, 1'200'000, 0), 0);
    check_keys(check, runs_of(values, 199'999, 1), 0);
    check_keys(check, runs_of(values, 3, 0), 0);
  });
  suite.test("bytes of every length", [](Check& check) {
    const auto values = noise<std::uint8_t>(20'000, 255);
    auto empty = noise<std::uint8_t>(20'000, 3);
    std::fill(empty.begin() + 100, empty.begin() + 9000, std::uint8_t{0});
    for (const std::uint8_t sign : {std::uint8_t{0}, std::uint8_t{0x80}}) {
      for (std::int64_t length = 1; length < 40; ++length) {
        for (const auto& some : {values, empty}) {
          const Runs<std::uint8_t> runs = runs_of(some, length, length % 5);
          std::array<std::uint32_t, 256> counts;
          imaging::count_bytes(runs, sign, counts);
          const auto plain = plain_counts(runs, sign);
          bool is_equal = true;
          for (std::uint32_t bin = 0; bin < 256; ++bin) {
            const auto found = plain.find(bin);
            is_equal = is_equal && counts[bin] == (found == plain.end() ? 0 : found->second);
          }
          check.that(is_equal, "length ", length, " sign ", int{sign});
        }
      }
    }
  });
  suite.test("the box that holds what is not background", [](Check& check) {
    std::vector<float> image(7 * 5);
    const Runs<float> runs = {image.data(), 7, 5, 5};
    check.equal(imaging::occupied_area(runs, 0.0F), std::int64_t{0}, "nothing");
    image[2 * 5 + 1] = -3;
    check.equal(imaging::occupied_area(runs, 0.0F), std::int64_t{1}, "one pixel");
    image[5 * 5 + 4] = 1;
    check.equal(imaging::occupied_area(runs, 0.0F), std::int64_t{16}, "4 rows by 4 columns");
    image[0] = std::numeric_limits<float>::quiet_NaN();
    check.equal(imaging::occupied_area(runs, 0.0F), std::int64_t{30}, "what is no number is no background");
  });
}

void test_entropy(Suite& suite) {
  suite.test("entropy from the definition", [](Check& check) {
    for (const std::uint32_t most : {0U, 1U, 3U, 100U, 255U}) {
      const auto image = noise<std::uint8_t>(5000, most);
      std::map<int, double> counts;
      for (const std::uint8_t x : image) counts[x] += 1;
      double bits = 0;
      for (const auto& [level, count] : counts) bits -= count / 5000 * std::log2(count / 5000);
      double found = -1;
      imaging::image_entropies(image, std::span(&found, 1));
      check.that(std::abs(found - bits) < 1e-12, most, ": ", found, ", expected ", bits);
    }
    std::array<std::uint32_t, 256> even;
    even.fill(17);
    check.equal(imaging::entropy_bits(even), 8.0, "all levels alike");
    check.equal(imaging::entropy_bits(std::array<std::uint32_t, 256>{}), 0.0, "no pixel");
  });
  suite.test("images that follow one another", [](Check& check) {
    std::vector<std::uint8_t> images(3 * 64);
    std::fill(images.begin() + 64, images.begin() + 96, std::uint8_t{255});
    for (std::size_t i = 128; i < 192; ++i) images[i] = static_cast<std::uint8_t>(i);
    std::array<double, 3> found{};
    imaging::image_entropies(images, found);
    check.that(found == std::array<double, 3>({0, 1, 6}), found[0], ", ", found[1], ", ", found[2]);
  });
}

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

int plain_level(float x, const imaging::Window& window, int most, double rounding) {
  if (window.is_flat() || std::isnan(x)) return 0;
  const double scaled = (double{x} - window.low) / (window.high - window.low) * most;
  return static_cast<int>(std::floor(std::clamp(scaled, 0.0, static_cast<double>(most)) + rounding));
}

void check_levels(Check& check, std::span<const float> values, const imaging::Window& window, std::string_view name) {
  std::vector<std::uint8_t> grey(values.size() + 1, 0xee);
  std::vector<std::uint16_t> deep(values.size() + 1, 0xeeee);
  imaging::to_grey_levels(values, window, std::span(grey).first(values.size()));
  imaging::to_levels_16(values, window, std::span(deep).first(values.size()));
  bool is_equal = grey.back() == 0xee && deep.back() == 0xeeee;
  for (std::size_t i = 0; i < values.size(); ++i) {
    is_equal = is_equal && grey[i] == plain_level(values[i], window, 255, 0);
    is_equal = is_equal && deep[i] == plain_level(values[i], window, 65535, 0.5);
  }
  check.that(is_equal, name, ": ", values.size(), " values from ", window.low, " to ", window.high);
}

void test_levels(Suite& suite) {
  suite.test("grey levels of every length, edge and odd value, on every instruction set", [](Check& check) {
    std::vector<float> values = {-1.25F, 2.75F, -9, 9, 0, -0.0F, kNan, kInf, -kInf, 1e-42F, 3.4e38F, -3.4e38F};
    for (const double x : fill_values("levels", 60, Fill::normal)) values.push_back(static_cast<float>(2 * x));
    for_each_simd_target([&](std::string_view name) {
      for (std::size_t size = 0; size <= values.size(); ++size) {
        check_levels(check, std::span<const float>(values).first(size), {-1.25, 2.75}, name);
      }
      for (const auto& window : {imaging::Window{3, 3}, {5, 4}, {0, 1e-45}, {-3.4e38, 3.4e38}, {1, 1 + 1e-15}}) {
        check_levels(check, values, window, name);
      }
    });
  });
  suite.test("16 bits: every level, and halfway between two", [](Check& check) {
    const imaging::Window window{0, 65535};
    std::vector<float> whole, halves;
    for (int level = 0; level < 65536; ++level) {
      whole.push_back(static_cast<float>(level));
      halves.push_back(static_cast<float>(level) + 0.5F);
    }
    for_each_simd_target([&](std::string_view name) {
      std::vector<std::uint16_t> found(65536), rounded(65536);
      imaging::to_levels_16(whole, window, found);
      imaging::to_levels_16(halves, window, rounded);
      bool is_equal = true;
      for (int level = 0; level < 65536; ++level) {
        const auto at = static_cast<std::size_t>(level);
        is_equal = is_equal && found[at] == level && rounded[at] == std::min(level + 1, 65535);
      }
      check.that(is_equal, name);
    });
  });
}

}  // namespace

void imaging_histogram(Suite& suite) {
  test_counts(suite);
  test_entropy(suite);
  test_levels(suite);
}

}  // namespace gyrus::tests::suites
