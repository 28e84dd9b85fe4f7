// The data layout message: where and in what form a dataset's elements lie.
#pragma once

#include <cstdint>
#include <vector>

#include "io/hdf5/object_header.h"

namespace gyrus::io::hdf5 {

enum class LayoutClass : std::uint8_t { compact = 0, contiguous = 1, chunked = 2 };
enum class IndexKind : std::uint8_t { btree_1 = 0, single = 1, implicit = 2, fixed_array = 3 };

struct Layout {
  LayoutClass layout_class{};
  std::uint64_t address = kNoAddress;  // of contiguous data or of the chunk index; none: nothing was ever written
  std::uint64_t bytes = 0;             // of contiguous data
  std::vector<std::byte> data;         // compact
  // chunked:
  std::vector<std::uint64_t> chunk;  // extents in elements, then the bytes of an element
  IndexKind index{};
  bool leaves_edges_raw = false;   // chunks that reach over the array's end pass through no filter
  std::uint64_t single_bytes = 0;  // index single with filters: the chunk's stored bytes
  std::uint32_t single_mask = 0;
  bool has_single_bytes = false;
};

// Versions 3 to 5. Throws Code::file_format for damage and for what is not supported: older versions, virtual datasets,
// extensible-array and v2 B-tree chunk indexes.
Layout parse_layout(Cursor cursor);

}  // namespace gyrus::io::hdf5
