#include "tests/cuda/emulator.h"
// The emulator must come first.
// The kernels around products of columns: windows laid out and gathered again, weights in the same order, biases;
// against plain loops, from and to blocks of exactly their size, in every order of threads.
#include <array>
#include <string>
#include <vector>

#include "backend/cuda/kernels/bias.h"
#include "backend/cuda/kernels/window_columns.h"
#include "tests/cuda/guarded_block.h"
#include "tests/harness/fill.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using backend::cuda::WindowGeometry;
using emulation::GuardedBlock;
using emulation::Order;
using emulation::set_order;

// An operand of a kernel: numbers that both types hold, as one of them.
class Operand {
 public:
  Operand(DType dtype, std::int64_t count) : dtype_(dtype), count_(count), block_(count * size_of(dtype)) {}
  Operand(DType dtype, const std::string& name, std::int64_t count) : Operand(dtype, count) {
    const std::vector<double> values = fill_values(name, count, Fill::normal, true);
    for (std::int64_t i = 0; i < count; ++i) set(i, static_cast<float>(values[static_cast<std::size_t>(i)]));
  }
  void* data() const { return block_.data(); }
  std::int64_t count() const { return count_; }
  float at(std::int64_t i) const {
    return dtype_ == DType::f32 ? static_cast<const float*>(data())[i]
                                : to_float(static_cast<const bf16_t*>(data())[i]);
  }
  void set(std::int64_t i, float value) {
    if (dtype_ == DType::f32)
      static_cast<float*>(data())[i] = value;
    else
      static_cast<bf16_t*>(data())[i] = to_bf16(value);
  }
  bool is_intact() const { return block_.is_intact(); }

 private:
  DType dtype_;
  std::int64_t count_;
  GuardedBlock block_;
};

// `found` must hold these, rounded to its type.
void check_equal(Check& check, DType dtype, const Operand& found, const std::vector<float>& expected,
                 std::string_view what) {
  std::int64_t wrong = -1;
  for (std::int64_t i = 0; i < found.count() && wrong < 0; ++i) {
    const float value = expected[static_cast<std::size_t>(i)];
    if (found.at(i) != (dtype == DType::f32 ? value : to_float(to_bf16(value)))) wrong = i;
  }
  check.that(wrong < 0, what, ": element ", wrong);
  check.that(found.is_intact(), what, ": something was written beyond it");
}

template <class Run>
void in_every_order(const Run& run) {
  for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
    set_order(order);
    run();
  }
}

struct Window {
  const char* name;
  std::int64_t images, height, width, channels, kernel_height, kernel_width, stride, padding, row_width;
};
constexpr std::array kWindows = {
    Window{"one pixel", 1, 1, 1, 1, 1, 1, 1, 0, 8},
    Window{"stem", 2, 11, 9, 3, 7, 7, 2, 3, 152},
    Window{"patches", 2, 8, 12, 3, 4, 4, 4, 0, 48},
    Window{"a tall kernel", 2, 6, 7, 5, 3, 1, 1, 1, 16},
    Window{"windows that leave a remainder", 3, 5, 5, 2, 2, 2, 2, 0, 8},
    Window{"pixels that no window reads", 1, 10, 11, 9, 2, 2, 3, 0, 40},
    Window{"a kernel larger than the image", 2, 2, 2, 3, 5, 5, 1, 2, 80},
};

// Where element k of row `row` of the columns lies in x, or -1.
std::int64_t source_of(const WindowGeometry& g, std::int64_t row, std::int64_t k) {
  const std::int64_t channel = k % g.channels, position = k / g.channels;
  const std::int64_t ky = position / g.kernel_width, kx = position % g.kernel_width;
  if (ky >= g.kernel_height) return -1;
  const std::int64_t ox = row % g.out_width, oy = row / g.out_width % g.out_height;
  const std::int64_t image = row / (g.out_width * g.out_height);
  const std::int64_t top = oy * g.stride + ky - g.padding, left = ox * g.stride + kx - g.padding;
  if (top < 0 || top >= g.height || left < 0 || left >= g.width) return -1;
  return ((image * g.height + top) * g.width + left) * g.channels + channel;
}

WindowGeometry geometry_of(const Window& w) {
  WindowGeometry g;
  g.images = w.images;
  g.height = w.height;
  g.width = w.width;
  g.channels = w.channels;
  g.kernel_height = w.kernel_height;
  g.kernel_width = w.kernel_width;
  g.stride = w.stride;
  g.padding = w.padding;
  g.out_height = (w.height + 2 * w.padding - w.kernel_height) / w.stride + 1;
  g.out_width = (w.width + 2 * w.padding - w.kernel_width) / w.stride + 1;
  g.row_width = w.row_width;
  return g;
}

void test_windows(Check& check, const Window& window, DType dtype) {
  const WindowGeometry g = geometry_of(window);
  const std::int64_t rows = g.images * g.out_height * g.out_width, pixels = g.images * g.height * g.width * g.channels;
  const Operand x(dtype, "x", pixels), upstream(dtype, "columns", rows * g.row_width);
  std::vector<float> columns(static_cast<std::size_t>(rows * g.row_width), 0.0F);
  std::vector<double> sums(static_cast<std::size_t>(pixels), 0.0);
  for (std::int64_t i = 0; i < rows * g.row_width; ++i) {
    const std::int64_t from = source_of(g, i / g.row_width, i % g.row_width);
    if (from < 0) continue;
    columns[static_cast<std::size_t>(i)] = x.at(from);
    sums[static_cast<std::size_t>(from)] += static_cast<double>(upstream.at(i));
  }
  in_every_order([&] {
    const Operand found(dtype, rows * g.row_width);
    backend::cuda::window_columns_forward(nullptr, {x.data(), found.data(), dtype, g});
    check_equal(check, dtype, found, columns, "columns");
    const Operand gathered(dtype, pixels);
    backend::cuda::window_columns_backward(nullptr, {upstream.data(), gathered.data(), dtype, g});
    for (std::int64_t i = 0; i < pixels; ++i) {
      const double expected = sums[static_cast<std::size_t>(i)];
      const double allowed = (dtype == DType::f32 ? 1e-6 : 4e-3) * (std::abs(expected) + 1);
      if (!check.that(std::abs(static_cast<double>(gathered.at(i)) - expected) <= allowed, "dx: element ", i)) break;
    }
    check.that(gathered.is_intact(), "dx: something was written beyond it");
  });
}

void test_weights(Check& check, DType dtype) {
  constexpr std::int64_t kOut = 5, kChannels = 3, kWindow = 6, kWidth = 24;
  const Operand masters(DType::f32, "w", kOut * kChannels * kWindow);
  std::vector<float> rows(kOut * kWidth, 0.0F);
  for (std::int64_t i = 0; i < masters.count(); ++i) {
    const std::int64_t position = i % kWindow, channel = i / kWindow % kChannels, out = i / kWindow / kChannels;
    rows[static_cast<std::size_t>(out * kWidth + position * kChannels + channel)] = masters.at(i);
  }
  in_every_order([&] {
    const Operand found(dtype, kOut * kWidth);
    const auto* const from = static_cast<const float*>(masters.data());
    backend::cuda::weight_rows_forward(nullptr, {from, found.data(), dtype, kOut, kChannels, kWindow, kWidth});
    check_equal(check, dtype, found, rows, "rows");
    if (dtype != DType::f32) return;
    const Operand back(DType::f32, masters.count());
    backend::cuda::weight_rows_backward(nullptr, {static_cast<const float*>(found.data()),
                                                  static_cast<float*>(back.data()), kOut, kChannels, kWindow, kWidth});
    for (std::int64_t i = 0; i < back.count(); ++i) check.that(back.at(i) == masters.at(i), "masters: element ", i);
  });
}

void test_bias(Check& check, DType dtype, std::int64_t rows, std::int64_t channels) {
  const Operand before(dtype, "y", rows * channels), bias(DType::f32, "bias", channels);
  std::vector<float> expected;
  expected.reserve(static_cast<std::size_t>(rows * channels));
  for (std::int64_t i = 0; i < rows * channels; ++i) expected.push_back(before.at(i) + bias.at(i % channels));
  in_every_order([&] {
    const Operand y(dtype, "y", rows * channels);
    backend::cuda::bias_forward(nullptr, {y.data(), static_cast<const float*>(bias.data()), dtype, rows, channels});
    check_equal(check, dtype, y, expected, "y");
  });
}

}  // namespace

void cuda_columns(Suite& suite) {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Window& window : kWindows) {
      suite.test(text("windows, ", window.name, ", ", name_of(dtype)),
                 [&](Check& check) { test_windows(check, window, dtype); });
    }
    suite.test(text("weights in the columns' order, ", name_of(dtype)),
               [&](Check& check) { test_weights(check, dtype); });
    for (const auto& [rows, channels] : {std::pair{1, 1}, {7, 3}, {5, 8}, {33, 12}, {300, 64}, {2, 2049}}) {
      suite.test(text("bias, ", rows, " rows of ", channels, ", ", name_of(dtype)),
                 [&, r = rows, c = channels](Check& check) { test_bias(check, dtype, r, c); });
    }
  }
}

}  // namespace gyrus::tests::suites
