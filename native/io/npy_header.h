// The header of a .npy file: a Python dict literal such as {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
#pragma once

#include <string>
#include <string_view>

#include "core/shape.h"

namespace gyrus::io {

struct NpyHeader {
  std::string descr;  // "<f4"
  bool is_fortran_order = false;
  Shape shape;
};

// Throws Code::file_format for anything else than a dict of exactly these three keys, each once. Extents lie in
// [0, 2^63) and number at most Shape::kMaxRank. `file` stands in messages.
NpyHeader parse_npy_header(std::string_view dict, std::string_view file);

}  // namespace gyrus::io
