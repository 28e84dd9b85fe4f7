#include "tests/harness/compare.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace gyrus::tests {
namespace {

// One wrong element must not hide in the norm of many right ones; rounding errors seldom exceed a few times their mean.
constexpr double kWorstOverNorm = 8;

bool agrees_non_finite(double found, double expected) {
  if (std::isnan(expected)) return std::isnan(found);
  return std::isinf(expected) ? found == expected : std::isfinite(found);
}

}  // namespace

Comparison compare(std::span<const double> found, std::span<const double> expected) {
  Comparison result;
  if (found.size() != expected.size()) {
    result.problem = text("has ", found.size(), " elements, expected ", expected.size());
    return result;
  }
  double difference_squares = 0, expected_squares = 0, worst = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!agrees_non_finite(found[i], expected[i])) {
      result.problem = text("element ", i, " is ", found[i], ", expected ", expected[i]);
      return result;
    }
    if (!std::isfinite(expected[i])) continue;
    const double difference = std::abs(found[i] - expected[i]);
    difference_squares += difference * difference;
    expected_squares += expected[i] * expected[i];
    largest = std::max(largest, std::abs(expected[i]));
    if (difference > worst) {
      worst = difference;
      result.worst = static_cast<std::int64_t>(i);
    }
  }
  result.norm_error = std::sqrt(difference_squares) / (expected_squares > 0 ? std::sqrt(expected_squares) : 1);
  result.nmse = result.norm_error * result.norm_error;
  result.max_error = worst / (largest > 0 ? largest : 1);
  return result;
}

bool check_close(Check& check, std::string_view what, std::span<const double> found, std::span<const double> expected,
                 double tolerance) {
  const Comparison result = compare(found, expected);
  if (!check.that(result.problem.empty(), what, ": ", result.problem)) return false;
  const bool is_close = result.norm_error <= tolerance && result.max_error <= kWorstOverNorm * tolerance;
  if (is_close) return check.that(true);
  const auto worst = static_cast<std::size_t>(result.worst);
  return check.that(false, what, ": relative error ", result.norm_error, " in norm (allowed ", tolerance, "), ",
                    result.max_error, " at element ", worst, " of ", found.size(), ": found ", found[worst],
                    ", expected ", expected[worst]);
}

}  // namespace gyrus::tests
