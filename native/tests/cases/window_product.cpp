// The window product by itself, in both dtypes on every machine: on most of them no program of its own choosing reaches
// it in f32, and in bf16 only where bf16 is widened. Against sums in f64 over the numbers as they are stored.
#include "backend/cpu/simd/window_product.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "tests/harness/compare.h"
#include "tests/harness/fill.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using backend::KernelArgs;
using backend::cpu::ConvGeometry;
using backend::cpu::WindowProductShape;

// An array of the dtype, read and written as double, filled with NaN to begin with.
class Array {
 public:
  Array(std::int64_t count, DType dtype)
      : dtype_(dtype), bytes_(static_cast<std::size_t>(count * size_of(dtype)), 0xff) {}
  Array(const std::vector<double>& values, DType dtype) : Array(static_cast<std::int64_t>(values.size()), dtype) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<float>(values[i]);
      const bf16_t narrow = to_bf16(value);
      const void* from = dtype == DType::f32 ? static_cast<const void*>(&value) : &narrow;
      std::memcpy(&bytes_[i * size_of(dtype)], from, static_cast<std::size_t>(size_of(dtype)));
    }
  }
  double operator[](std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i);
    if (dtype_ == DType::f32) {
      float value = 0;
      std::memcpy(&value, &bytes_[at * 4], 4);
      return static_cast<double>(value);
    }
    bf16_t value{};
    std::memcpy(&value, &bytes_[at * 2], 2);
    return static_cast<double>(to_float(value));
  }
  std::vector<double> values() const {
    std::vector<double> all;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(bytes_.size()) / size_of(dtype_); ++i)
      all.push_back((*this)[i]);
    return all;
  }
  void* data() { return bytes_.data(); }

 private:
  DType dtype_;
  std::vector<unsigned char> bytes_;
};

// y by definition: w [columns, C, KH, KW], or [C, columns, KH, KW] turned round.
std::vector<double> expected_of(const WindowProductShape& s, const Array& x, const Array& w, const Array& bias) {
  std::vector<double> y;
  for (std::int64_t n = 0; n < s.n; ++n)
    for (std::int64_t row = 0; row < s.oh; ++row)
      for (std::int64_t column = 0; column < s.ow; ++column)
        for (std::int64_t o = 0; o < s.columns; ++o) {
          double sum = s.has_bias ? bias[o] : 0;
          for (std::int64_t c = 0; c < s.channels; ++c)
            for (std::int64_t i = 0; i < s.kh; ++i)
              for (std::int64_t j = 0; j < s.kw; ++j) {
                const std::int64_t from_row = row * s.stride + i - s.top, from_column = column * s.stride + j - s.left;
                if (from_row < 0 || from_row >= s.h || from_column < 0 || from_column >= s.w) continue;
                const std::int64_t weight = s.is_gradient
                                                ? ((c * s.columns + o) * s.kh + s.kh - 1 - i) * s.kw + s.kw - 1 - j
                                                : ((o * s.channels + c) * s.kh + i) * s.kw + j;
                sum += x[((n * s.h + from_row) * s.w + from_column) * s.channels + c] * w[weight];
              }
          y.push_back(sum);
        }
  return y;
}

double gelu_of(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

void check_product(Check& check, const WindowProductShape& s, int threads) {
  const auto filled = [&](const char* name, std::int64_t count, DType dtype) {
    return Array(fill_values(name, count, Fill::normal, true), dtype);
  };
  Array x = filled("x", s.n * s.h * s.w * s.channels, s.dtype), w = filled("w", s.columns * s.inner(), DType::f32);
  Array bias = filled("bias", s.columns, DType::f32);
  Array y(s.rows() * s.columns, s.dtype), pre(s.rows() * s.columns, s.dtype);
  const backend::LoweredKernel lowered = backend::cpu::make_window_product(s, threads);
  const AlignedBuffer panels(lowered.packs.at(0).bytes);
  const AlignedBuffer scratch(std::max<std::int64_t>(lowered.kernel->scratch_bytes(), 64));
  std::memset(scratch.as<std::byte>(), 0xff, static_cast<std::size_t>(scratch.bytes()));
  {
    const auto pack = lowered.packs[0].make();
    const std::vector<void*> in{w.data()}, out{panels.as<std::byte>()};
    KernelArgs args;
    args.in = in;
    args.out = out;
    pack->bind(args);
    pack->run();
  }
  const std::vector<void*> in{x.data(), panels.as<std::byte>(), bias.data()}, out{y.data(), pre.data()};
  KernelArgs args;
  args.in = in;
  args.out = out;
  args.scratch = scratch.as<std::byte>();
  lowered.kernel->bind(args);
  lowered.kernel->run();
  std::vector<double> expected = expected_of(s, x, w, bias);
  const double tolerance = s.dtype == DType::f32 ? 2e-6 : 3e-3;
  if (s.has_gelu) {
    check_close(check, "pre", pre.values(), expected, tolerance);
    for (double& value : expected) value = gelu_of(value);
  }
  check_close(check, "y", y.values(), expected, tolerance);
}

}  // namespace

void window_product(Suite& suite) {
  struct Window {
    std::string name;
    ConvGeometry g;
  };
  const auto conv = [](std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t ci, std::int64_t co, std::int64_t k,
                       std::int64_t stride, std::int64_t padding) {
    return ConvGeometry{
        n, h, w,      ci,     co == 0 ? 0 : (h + 2 * padding - k) / stride + 1, (w + 2 * padding - k) / stride + 1, co,
        k, k, stride, padding};
  };
  const std::vector<Window> windows{
      {"one number", conv(1, 1, 1, 1, 1, 1, 1, 0)},
      {"3x3 on one pixel", conv(1, 1, 1, 2, 3, 3, 1, 1)},
      {"3x3", conv(2, 7, 5, 3, 70, 3, 1, 1)},
      {"3x3, images in several blocks", conv(9, 40, 40, 20, 5, 3, 1, 1)},
      {"3x3, an image in several bands", conv(2, 61, 57, 67, 9, 3, 1, 1)},
      {"3x3, stride 2", conv(2, 9, 12, 5, 7, 3, 2, 1)},
      {"3x3, a panel in parts", conv(1, 4, 4, 601, 3, 3, 1, 1)},
      {"3x3, taps in parts", conv(1, 3, 5, 200, 66, 3, 1, 1)},
      {"7x7, stride 2", conv(2, 33, 30, 3, 65, 7, 2, 3)},
      {"patches", conv(2, 32, 48, 3, 33, 16, 16, 0)},
      {"1x1", conv(2, 5, 7, 13, 129, 1, 1, 0)},
      {"1x1, stride 2", conv(3, 8, 9, 17, 5, 1, 2, 0)},
      {"1x1, long rows", conv(1, 5, 9, 700, 6, 1, 1, 0)},
  };
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Window& window : windows) {
      const ConvGeometry g = window.g;
      for (const int threads : {1, 2}) {
        suite.test(text(window.name, ", ", name_of(dtype), ", threads ", threads),
                   [=](Check& check) { check_product(check, backend::cpu::forward_product(g, dtype, true), threads); });
      }
      if (g.stride != 1) continue;
      suite.test(text(window.name, ", gradient, ", name_of(dtype)),
                 [=](Check& check) { check_product(check, backend::cpu::gradient_product(g, dtype), 2); });
    }
    for (const std::int64_t rows : {1, 5, 64, 1601}) {
      WindowProductShape shape = backend::cpu::linear_product(rows, 96, 131, dtype);
      shape.has_bias = true;
      shape.has_gelu = rows % 2 == 1;
      suite.test(text("linear, ", rows, " rows, ", name_of(dtype)),
                 [=](Check& check) { check_product(check, shape, 2); });
    }
  }
}

}  // namespace gyrus::tests::suites
