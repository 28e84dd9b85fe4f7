// The parts of the linear probe's solver against naive f64: sums of rows, correlations, Cholesky, L-BFGS; and that
// nothing depends on the number of threads.
#include <cmath>
#include <numeric>
#include <vector>

#include "features/add_scaled_rows.h"
#include "features/cholesky.h"
#include "features/gram.h"
#include "features/lbfgs.h"
#include "features/softmax_gradient.h"
#include "features/standard.h"
#include "tests/harness/fill.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

std::vector<float> normals(std::string_view name, std::size_t count) {
  const std::vector<double> values = fill_values(name, static_cast<std::int64_t>(count), Fill::normal);
  return {values.begin(), values.end()};
}

void check_sums(Check& check, std::size_t rows, std::size_t sums, std::size_t dim) {
  const std::vector<float> x = normals("x", rows * dim), factors = normals("factors", rows * sums);
  const std::size_t stride = dim + 1;
  std::vector<float> out(sums * stride, 1.0F);
  features::add_scaled_rows(x, factors, dim, sums, out.data(), stride);
  double worst = 0;
  for (std::size_t s = 0; s < sums; ++s) {
    for (std::size_t i = 0; i < stride; ++i) {
      double wanted = 1;
      for (std::size_t r = 0; r < rows && i < dim; ++r)
        wanted += double{factors[r * sums + s]} * double{x[r * dim + i]};
      worst = std::max(worst, std::abs(double{out[s * stride + i]} - wanted));
    }
  }
  check.that(worst <= 1e-5, rows, " rows of ", dim, " to ", sums, " sums: off by ", worst);
}

void check_gram(Check& check, std::size_t rows, std::size_t dim, std::size_t step) {
  const std::vector<float> x = normals("x", rows * dim);
  const std::vector<float> found = features::gram(x, dim, step, 1), threaded = features::gram(x, dim, step, 3);
  check.that(found == threaded, "three threads");
  double worst = 0;
  for (std::size_t a = 0; a < dim; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      double wanted = 0, count = 0;
      for (std::size_t r = 0; r < rows; r += step, ++count) wanted += double{x[r * dim + a]} * double{x[r * dim + b]};
      worst = std::max(worst, std::abs(double{found[a * dim + b]} - wanted / count));
    }
  }
  check.that(worst <= 1e-5, rows, " rows of ", dim, ", every ", step, ".: off by ", worst);
}

void check_cholesky(Check& check, std::size_t dim) {
  const std::vector<float> x = normals("x", 2 * dim * dim), wanted = normals("wanted", dim);
  std::vector<float> matrix = features::gram(x, dim, 1, 1);
  for (std::size_t i = 0; i < dim; ++i) matrix[i * (dim + 1)] += 0.1F;
  std::vector<float> right(dim);
  for (std::size_t r = 0; r < dim; ++r) {
    double sum = 0;
    for (std::size_t c = 0; c < dim; ++c) {
      sum += double{matrix[std::max(r, c) * dim + std::min(r, c)]} * double{wanted[c]};
    }
    right[r] = static_cast<float>(sum);
  }
  for (const int threads : {1, 3}) {
    const features::Cholesky factored(matrix, dim, threads);
    if (!check.that(factored.is_definite(), "definite")) return;
    std::vector<float> found = right;
    factored.solve(found);
    double worst = 0;
    for (std::size_t i = 0; i < dim; ++i) worst = std::max(worst, std::abs(double{found[i]} - double{wanted[i]}));
    check.that(worst <= 1e-3, dim, " unknowns, ", threads, " threads: off by ", worst);
  }
}

void test_minimise(Suite& suite) {
  // sum_i i^2 (x_i - 1)^4 + (x_i - 1)^2, badly scaled, with its minimum at ones.
  suite.test("L-BFGS finds a minimum, with and without a good start, and stops where it is told to", [](Check& check) {
    constexpr std::size_t kSize = 40;
    features::Objective objective;
    objective.evaluate = [](std::span<const double> x, std::span<double> gradient) {
      double value = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double off = x[i] - 1, scale = static_cast<double>(i * i);
        value += scale * std::pow(off, 4) + off * off;
        gradient[i] = 4 * scale * std::pow(off, 3) + 2 * off;
      }
      return value;
    };
    objective.precondition = [](std::span<double> q) {
      for (double& value : q) value *= 1e-3;
    };
    const features::Minimum found = features::minimise(objective, std::vector<double>(kSize), 1e-9, 500);
    double worst = 0;
    for (const double x : found.x) worst = std::max(worst, std::abs(x - 1));
    check.that(worst < 1e-4 && found.value < 1e-8, "off by ", worst);
    check.that(found.iterations < 500, found.iterations, " iterations");
    check.equal(features::minimise(objective, std::vector<double>(kSize), 1e-9, 3).iterations, 3, "iterations");
    check.equal(features::minimise(objective, std::vector<double>(kSize, 1.0), 1e-9, 9).iterations, 0,
                "at the minimum");
  });
}

void test_threads(Suite& suite) {
  suite.test("standardising and gradients are the same for any number of threads", [](Check& check) {
    constexpr std::size_t kRows = 2100, kDim = 37, kClasses = 3;
    const std::vector<float> x = normals("x", kRows * kDim), weights = normals("weights", kClasses * (kDim + 1));
    std::vector<std::int32_t> labels(kRows);
    for (std::size_t row = 0; row < kRows; ++row) labels[row] = static_cast<std::int32_t>(row % kClasses);
    std::vector<double> first;
    for (const int threads : {1, 2, 3}) {
      const AlignedBuffer rows = features::Standard(x, kDim, threads).applied(x, "test", threads);
      std::vector<double> gradient(weights.size());
      gradient.push_back(features::softmax_gradient({{rows.as<float>(), x.size()}, labels, kDim, kClasses}, weights,
                                                    std::span(gradient).first(weights.size()), threads));
      if (first.empty()) first = gradient;
      check.that(gradient == first, threads, " threads");
    }
  });
}

}  // namespace

void features_solver(Suite& suite) {
  suite.test("sums of rows with factors", [](Check& check) {
    for (const std::size_t rows : {1, 4, 7}) {
      for (const std::size_t sums : {1, 3, 4, 9}) check_sums(check, rows, sums, 5 + 16 * rows);
    }
  });
  suite.test("correlations of all widths", [](Check& check) {
    check_gram(check, 1, 1, 1);
    check_gram(check, 70, 5, 1);
    check_gram(check, 200, 64, 1);
    check_gram(check, 131, 130, 3);
  });
  suite.test("Cholesky solves systems of all sizes", [](Check& check) {
    for (const std::size_t dim : {1, 2, 63, 64, 65, 200}) check_cholesky(check, dim);
  });
  suite.test("Cholesky refuses what is not definite", [](Check& check) {
    check.that(!features::Cholesky({1, 0, 2, 1}, 2, 1).is_definite(), "eigenvalues 3 and -1");
    check.that(!features::Cholesky({std::nanf("")}, 1, 1).is_definite(), "NaN");
  });
  test_minimise(suite);
  test_threads(suite);
}

}  // namespace gyrus::tests::suites
