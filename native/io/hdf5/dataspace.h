// Dataspaces: how many elements, along which axes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/shape.h"
#include "io/hdf5/cursor.h"

namespace gyrus::io::hdf5 {

struct Dataspace {
  Shape shape;                             // of a null dataspace [0]
  std::vector<std::uint64_t> max_extents;  // what it may grow to; all bits set: without limit
};

// Throws Code::file_format, Code::shape for more than five axes.
Dataspace parse_dataspace(Cursor& cursor);

}  // namespace gyrus::io::hdf5
