// The small HDF5 files of test/goldens/hdf5, written by h5py (make_hdf5.py), and the formula of their elements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/shape.h"

namespace gyrus::tests {

// Beside this source file, whose path the compiler knows.
inline std::string hdf5_golden(const std::string& name) {
  const std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
  return (here / ".." / ".." / ".." / "test" / "goldens" / "hdf5" / (name + ".h5")).lexically_normal().string();
}

// Element i of every array there, in row-major order; make_hdf5.py has the same.
inline float golden_number(std::int64_t i, bool is_signed = true) {
  return static_cast<float>((i * 37 + 11) % 101 - (is_signed ? 50 : 0));
}

inline std::vector<float> golden_reals(std::int64_t first, std::int64_t count, bool is_signed = true) {
  std::vector<float> values;
  for (std::int64_t i = first; i < first + count; ++i) values.push_back(golden_number(i, is_signed));
  return values;
}

inline std::vector<float> golden_complex(std::int64_t first, std::int64_t count) {
  std::vector<float> values;
  for (std::int64_t i = first; i < first + count; ++i) {
    values.push_back(golden_number(i));
    values.push_back(golden_number(2 * i + 1));
  }
  return values;
}

}  // namespace gyrus::tests
