#include "imaging/quaternion.h"

#include <cmath>

#include "core/error.h"

namespace gyrus::imaging {

Quaternion complete_quaternion(const std::array<double, 3>& bcd, double tolerance, std::string_view label) {
  const auto [b, c, d] = bcd;
  const double squared = 1 - (b * b + c * c + d * d);
  // Written so that NaN fails.
  GYRUS_CHECK(squared > -tolerance, Code::file_format, label, " has the qform quaternion (", b, ", ", c, ", ", d,
              "), which is longer than one; correct the qform or set the sform");
  return {std::abs(squared) < tolerance ? 0 : std::sqrt(squared), b, c, d};
}

Affine rotation_of(const Quaternion& unit) {
  const auto [a, b, c, d] = unit;
  const double scale = 2 / (a * a + b * b + c * c + d * d);  // the stored parts are rounded: not quite of length one
  return {{{1 - scale * (c * c + d * d), scale * (b * c - a * d), scale * (b * d + a * c), 0},
           {scale * (b * c + a * d), 1 - scale * (b * b + d * d), scale * (c * d - a * b), 0},
           {scale * (b * d - a * c), scale * (c * d + a * b), 1 - scale * (b * b + c * c), 0}}};
}

}  // namespace gyrus::imaging
