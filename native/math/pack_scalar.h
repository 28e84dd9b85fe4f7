// The Pack of one number: float or double, on the host or in a CUDA thread.
#pragma once

#include <cmath>

#include "math/pack.h"

namespace gyrus::math {

template <class T>
struct ScalarPack {
  using Value = T;
  using Mask = bool;
  GYRUS_HD static T constant(double c) { return static_cast<T>(c); }
  GYRUS_HD static T mul_add(T a, T b, T c) { return a * b + c; }
  GYRUS_HD static T max(T a, T b) { return a > b ? a : b; }
  GYRUS_HD static T min(T a, T b) { return a < b ? a : b; }
  GYRUS_HD static T abs(T a) { return std::fabs(a); }
  GYRUS_HD static T sqrt(T a) { return std::sqrt(a); }
  GYRUS_HD static T divide(T a, T b) { return a / b; }
  GYRUS_HD static T exp_nonpositive(T a) { return std::exp(a); }
  GYRUS_HD static T exp(T a) { return std::exp(a); }
  GYRUS_HD static T log(T a) { return std::log(a); }
  GYRUS_HD static bool less(T a, T b) { return a < b; }
  GYRUS_HD static T select(bool mask, T yes, T no) { return mask ? yes : no; }
};

}  // namespace gyrus::math
