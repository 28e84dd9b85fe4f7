// Unit quaternions, as the qform of a NIfTI header stores a rotation.
#pragma once

#include <array>
#include <string_view>

#include "imaging/orientation.h"

namespace gyrus::imaging {

struct Quaternion {
  double a = 1, b = 0, c = 0, d = 0;
};

// The unit quaternion whose last three parts are given; a = sqrt(1 - b^2 - c^2 - d^2), which may fall short of zero by
// `tolerance`. Throws Code::file_format naming `label`.
Quaternion complete_quaternion(const std::array<double, 3>& bcd, double tolerance, std::string_view label);

// The rotation as an affine without an offset.
Affine rotation_of(const Quaternion& unit);

}  // namespace gyrus::imaging
