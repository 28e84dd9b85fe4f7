// How far apart two arrays are: norm-wise and at the worst element. NaN never agrees with anything but itself being
// expected; infinities must agree in sign.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/harness/tap.h"

namespace gyrus::tests {

struct Comparison {
  double norm_error = 0;   // |found - expected|_2 / |expected|_2; the numerator alone where |expected| is 0
  double nmse = 0;         // norm_error squared: the normalised mean squared error
  double max_error = 0;    // largest |found - expected| over the largest |expected|
  std::int64_t worst = 0;  // where that is
  std::string problem;     // not empty: sizes, a NaN or an infinity disagree, and no figure above counts
};

Comparison compare(std::span<const double> found, std::span<const double> expected);

// Fails unless norm_error <= tolerance and max_error <= 8 tolerance. Tolerance 0 demands equality.
bool check_close(Check& check, std::string_view what, std::span<const double> found, std::span<const double> expected,
                 double tolerance);

}  // namespace gyrus::tests
