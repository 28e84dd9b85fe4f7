// Standard normal numbers from uniform words (Box & Muller 1958), two from two. The logarithm, sine and cosine are
// short series in double written out here, so the result depends on IEEE additions, multiplications, divisions and
// square roots alone: the same float on every machine and in test/goldens/philox.py, whatever its libm. All of it
// vectorises.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace gyrus {

// ln((word + 1) 2^-32), of a number in (0, 1]. Relative error < 4e-12.
// With u = m 2^e and m in [sqrt(1/2), sqrt(2)): ln u = e ln 2 + 2 atanh(s), s = (m - 1)/(m + 1), |s| < 0.172.
GYRUS_HOST_DEVICE inline double log_unit(std::uint32_t word) {
  constexpr std::uint64_t kSqrtHalf = 0x3FE6A09E667F3BCDU, kOne = 0x3FF0000000000000U;
  const double u = (static_cast<double>(word) + 1.0) * 0x1p-32;
  const std::uint64_t shifted = std::bit_cast<std::uint64_t>(u) - kSqrtHalf + kOne;
  // shifted >> 52 = e + 1023, made a double by putting it into the mantissa of 2^52.
  const double e = std::bit_cast<double>((shifted >> 52) | 0x4330000000000000U) - (0x1p52 + 1023.0);
  const double m = std::bit_cast<double>((shifted & 0x000FFFFFFFFFFFFFU) + kSqrtHalf);
  const double s = (m - 1.0) / (m + 1.0), s2 = s * s;
  double series = 2.0 / 13;
  series = series * s2 + 2.0 / 11;
  series = series * s2 + 2.0 / 9;
  series = series * s2 + 2.0 / 7;
  series = series * s2 + 2.0 / 5;
  series = series * s2 + 2.0 / 3;
  series = series * s2 + 2.0;
  return e * 0.693147180559945309417 + s * series;
}

// The point at the angle 2 pi word 2^-32 on the unit circle. Absolute error < 1e-11.
// The nearest quarter turn is split off, which leaves |x| <= pi/4 for Taylor's series.
struct CirclePoint {
  double cosine, sine;
};
GYRUS_HOST_DEVICE inline CirclePoint circle_point(std::uint32_t word) {
  const std::uint32_t quarter = (word + 0x20000000U) >> 30;
  const double x = static_cast<double>(static_cast<std::int32_t>(word - (quarter << 30))) * 1.46291807926715968e-9;
  const double x2 = x * x;
  double c = 1.0 / 479001600;
  c = c * x2 - 1.0 / 3628800;
  c = c * x2 + 1.0 / 40320;
  c = c * x2 - 1.0 / 720;
  c = c * x2 + 1.0 / 24;
  c = c * x2 - 1.0 / 2;
  c = c * x2 + 1.0;
  double s = -1.0 / 39916800;
  s = s * x2 + 1.0 / 362880;
  s = s * x2 - 1.0 / 5040;
  s = s * x2 + 1.0 / 120;
  s = s * x2 - 1.0 / 6;
  s = s * x2 + 1.0;
  s = s * x;
  const double along = (quarter & 1U) != 0 ? s : c, across = (quarter & 1U) != 0 ? c : s;
  return {((quarter + 1U) & 2U) != 0 ? -along : along, (quarter & 2U) != 0 ? -across : across};
}

// Two independent standard normal numbers.
struct NormalPair {
  float first, second;
};
GYRUS_HOST_DEVICE inline NormalPair box_muller(std::uint32_t radius_word, std::uint32_t angle_word) {
  const double radius = std::sqrt(-2.0 * log_unit(radius_word));
  const CirclePoint point = circle_point(angle_word);
  return {static_cast<float>(radius * point.cosine), static_cast<float>(radius * point.sine)};
}

}  // namespace gyrus
