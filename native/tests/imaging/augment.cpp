// Views: each step against a naive computation in double, draws that depend on nothing but their key, and what the
// random numbers must look like.
#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/philox.h"
#include "imaging/augment/pixels.h"
#include "imaging/augment/taps.h"
#include "imaging/augment/view.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using imaging::Normalization;
using imaging::ViewKey;
using imaging::ViewMaker;
using imaging::ViewOptions;

constexpr Normalization kAsIs{0, 1};

std::vector<std::uint16_t> noise_slice(std::size_t size) {
  std::vector<std::uint16_t> slice(size * size);
  for (std::size_t i = 0; i < slice.size(); ++i) slice[i] = static_cast<std::uint16_t>(Philox{5, 6}.bits(i) >> 16U);
  return slice;
}

std::vector<float> view_of(std::size_t source, std::size_t size, const ViewOptions& options, const ViewKey& key) {
  std::vector<float> out(size * size);
  ViewMaker(source, size).make(noise_slice(source), options, key, kAsIs, out);
  return out;
}

// The definition: a triangle of the coarser grid's width around each pixel's centre, in both directions.
std::vector<double> naive_resize(const std::vector<std::uint16_t>& slice, std::size_t source, std::size_t size) {
  const double scale = static_cast<double>(source) / static_cast<double>(size), width = std::max(1.0, scale);
  const auto weight = [&](std::size_t to, std::size_t from) {
    const double center = (static_cast<double>(to) + 0.5) * scale;
    return std::max(0.0, 1 - std::abs(static_cast<double>(from) + 0.5 - center) / width);
  };
  std::vector<double> result(size * size);
  for (std::size_t y = 0; y < size; ++y) {
    for (std::size_t x = 0; x < size; ++x) {
      double sum = 0, all = 0;
      for (std::size_t v = 0; v < source; ++v) {
        const double row_weight = weight(y, v);
        if (row_weight == 0) continue;
        for (std::size_t u = 0; u < source; ++u) {
          const double w = row_weight * weight(x, u);
          sum += w * slice[v * source + u] / 65535.0;
          all += w;
        }
      }
      result[y * size + x] = sum / all;
    }
  }
  return result;
}

double largest_difference(const std::vector<float>& found, const std::vector<double>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(double{found[i]} - expected[i]));
  return worst;
}

void test_steps(Suite& suite) {
  suite.test("resizing, smaller, larger and by nothing", [](Check& check) {
    for (const auto& [source, size] : {std::pair<std::size_t, std::size_t>{37, 16}, {16, 37}, {20, 20}, {33, 7}}) {
      const double off =
          largest_difference(view_of(source, size, {}, {}), naive_resize(noise_slice(source), source, size));
      check.that(off < 2e-6, source, " to ", size, ": off by ", off);
    }
  });
  suite.test("blur is a Gaussian with repeated edges", [](Check& check) {
    ViewOptions options;
    options.blur_probability = 1;
    options.blur_sigma = {1.3F, 1.3F};
    const std::size_t size = 19;
    const std::vector<double> sharp = naive_resize(noise_slice(size), size, size);
    std::vector<double> expected(size * size);
    const auto at = [&](int y, int x) {
      const int last = static_cast<int>(size) - 1;
      return sharp[static_cast<std::size_t>(std::clamp(y, 0, last)) * size +
                   static_cast<std::size_t>(std::clamp(x, 0, last))];
    };
    double all = 0;
    for (int k = -4; k <= 4; ++k) all += std::exp(-0.5 * k * k / (1.3 * 1.3));
    for (int y = 0; y < static_cast<int>(size); ++y) {
      for (int x = 0; x < static_cast<int>(size); ++x) {
        double sum = 0;
        for (int v = -4; v <= 4; ++v) {
          for (int u = -4; u <= 4; ++u) sum += std::exp(-0.5 * (v * v + u * u) / (1.3 * 1.3)) * at(y + v, x + u);
        }
        expected[static_cast<std::size_t>(y) * size + static_cast<std::size_t>(x)] = sum / (all * all);
      }
    }
    const double off = largest_difference(view_of(size, size, options, {}), expected);
    check.that(off < 2e-6, "off by ", off);
  });
  suite.test("solarised, mirrored and normalised", [](Check& check) {
    const std::size_t size = 21;
    ViewOptions options;
    options.solarize_probability = options.flip_probability = 1;
    std::vector<float> out(size * size);
    ViewMaker(size, size).make(noise_slice(size), options, {}, {0.25F, 0.5F}, out);
    std::vector<double> expected = naive_resize(noise_slice(size), size, size);
    for (double& v : expected) v = ((v >= 0.5 ? 1 - v : v) - 0.25) / 0.5;
    for (std::size_t y = 0; y < size; ++y) std::reverse(&expected[y * size], &expected[y * size] + size);
    const double off = largest_difference(out, expected);
    check.that(off < 5e-6, "off by ", off);
  });
  suite.test("gamma, and a field of no strength", [](Check& check) {
    const std::size_t size = 21;
    ViewOptions options;
    options.gamma_probability = options.bias_probability = 1;
    options.gamma = {0.7F, 0.7F};
    std::vector<double> expected = naive_resize(noise_slice(size), size, size);
    for (double& v : expected) v = std::pow(v, 0.7);
    const double off = largest_difference(view_of(size, size, options, {}), expected);
    check.that(off < 1e-5, "off by ", off);
  });
}

void test_scanner_draws(Suite& suite) {
  suite.test("a field is smooth and within its strength", [](Check& check) {
    const std::size_t size = 32;
    ViewOptions options;
    options.bias_probability = 1;
    options.bias_strength = 0.2F;
    const std::vector<float> plain = view_of(size, size, {}, {}), field = view_of(size, size, options, {1, 2, 3, 0});
    double largest = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (plain[i] < 0.01F || field[i] > 0.99F) continue;
      largest = std::max(largest, std::abs(std::log(double{field[i]} / double{plain[i]})));
    }
    check.that(largest > 0.02 && largest <= 5 * 0.2 + 1e-4, "the logarithm reaches ", largest);
  });
  suite.test("brightness and contrast keep to their ranges", [](Check& check) {
    const std::size_t size = 16;
    ViewOptions options;
    options.jitter_probability = 1;
    options.brightness = 0.4F;
    const std::vector<float> plain = view_of(size, size, {}, {});
    double least = 9, most = 0;
    for (std::uint32_t sample = 0; sample < 200; ++sample) {
      const std::vector<float> view = view_of(size, size, options, {1, 0, sample, 0});
      const auto darkest = static_cast<std::size_t>(
          std::find_if(plain.begin(), plain.end(), [](float v) { return v > 0.1F && v < 0.6F; }) - plain.begin());
      const double factor = double{view[darkest]} / double{plain[darkest]};
      least = std::min(least, factor);
      most = std::max(most, factor);
    }
    check.that(least >= 0.5999 && least < 0.65 && most <= 1.4001 && most > 1.35, least, " to ", most);
  });
  suite.test("noise has the size that was asked for", [](Check& check) {
    const std::size_t size = 64;
    ViewOptions options;
    options.noise_probability = 1;
    options.noise_std = 0.02F;
    const std::vector<float> plain = view_of(size, size, {}, {}), noisy = view_of(size, size, options, {1, 2, 3, 0});
    double squares = 0, count = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (plain[i] < 0.2F || plain[i] > 0.9F) continue;
      squares += std::pow(double{noisy[i]} - double{plain[i]}, 2);
      count += 1;
    }
    const double std = std::sqrt(squares / count);
    check.that(std::abs(std - 0.02) < 0.001, "standard deviation ", std);
  });
}

void test_draws(Suite& suite) {
  suite.test("seven eighths of 16 pixels are the middle 14, untouched", [](Check& check) {
    std::vector<std::uint16_t> slice(16 * 16);
    for (std::size_t i = 0; i < slice.size(); ++i) slice[i] = static_cast<std::uint16_t>(i * 251);
    std::vector<float> out(14 * 14);
    imaging::ViewMaker(16, 14).plain(slice, {}, out, 0.875F);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float wanted = static_cast<float>(slice[(i / 14 + 1) * 16 + i % 14 + 1]) / 65535;
      check.that(std::abs(out[i] - wanted) < 1e-6F, "pixel ", i, " is ", out[i], ", not ", wanted);
    }
  });
  suite.test("a view is a function of its key alone", [](Check& check) {
    ViewOptions options;
    options.crop = {0.1F, 1};
    options.jitter_probability = options.blur_probability = options.flip_probability = 0.5F;
    options.brightness = options.contrast = 0.4F;
    const ViewKey key{7, 3, 12, 1};
    const std::vector<float> view = view_of(40, 24, options, key);
    check.that(view == view_of(40, 24, options, key), "the same key");
    std::set<std::vector<float>> seen{view};
    for (const ViewKey& other : {ViewKey{8, 3, 12, 1}, {7, 4, 12, 1}, {7, 3, 13, 1}, {7, 3, 12, 0}}) {
      seen.insert(view_of(40, 24, options, other));
    }
    check.equal(seen.size(), std::size_t{5}, "different views");
    // What one step draws does not move the crop of another.
    ViewOptions crop_only;
    crop_only.crop = options.crop;
    ViewOptions flipped = crop_only;
    flipped.flip_probability = 1;
    std::vector<float> one = view_of(40, 24, crop_only, key), two = view_of(40, 24, flipped, key);
    for (std::size_t y = 0; y < 24; ++y) std::reverse(&two[y * 24], &two[y * 24] + 24);
    check.that(one == two, "the crop of a flipped view");
  });
  suite.test("crops have areas all over their range", [](Check& check) {
    // A slice that rises from left to right shows the width of its crop.
    const std::size_t size = 64;
    std::vector<std::uint16_t> ramp(size * size);
    for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<std::uint16_t>(i % size * 1000);
    ViewOptions options;
    options.crop = {0.2F, 0.6F};
    ViewMaker maker(size, 16);
    std::vector<float> out(256);
    double least = 1, most = 0, sum = 0;
    for (std::uint32_t sample = 0; sample < 500; ++sample) {
      maker.make(ramp, options, {1, 0, sample, 0}, kAsIs, out);
      const double width = (double{out[15]} - double{out[0]}) * 65.535 * 16 / 15 / 64;
      least = std::min(least, width);
      most = std::max(most, width);
      sum += width;
    }
    // Widths are sqrt(area * ratio): sqrt(0.2 * 3/4) = 0.387 to sqrt(0.6 * 4/3) = 0.894.
    check.that(least > 0.35 && least < 0.43 && most < 0.93 && most > 0.84, "widths ", least, " to ", most);
    check.that(std::abs(sum / 500 - 0.62) < 0.03, "mean width ", sum / 500);
  });
}

}  // namespace

void imaging_augment(Suite& suite) {
  test_steps(suite);
  test_scanner_draws(suite);
  test_draws(suite);
}

}  // namespace gyrus::tests::suites
