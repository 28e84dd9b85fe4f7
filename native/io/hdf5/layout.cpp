#include "io/hdf5/layout.h"

#include <string_view>

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kRewrite = "rewrite the file with h5repack --low=0 --high=1 or with libver='earliest'";

void parse_chunk_extents(Cursor& cursor, Layout& layout, std::size_t count, std::uint64_t width) {
  GYRUS_CHECK(width >= 1 && width <= 8, Code::file_format, "a chunk's extents are ", width,
              " bytes wide, 1 to 8 were expected; the file is damaged");
  std::uint64_t bytes = 1;
  for (std::size_t axis = 0; axis < count; ++axis) {
    const std::uint64_t extent = cursor.unsigned_of(width);
    GYRUS_CHECK(extent > 0 && !__builtin_mul_overflow(bytes, extent, &bytes) && bytes <= INT64_MAX, Code::file_format,
                "a chunk has no bytes, or 2^63 and more; the file is damaged");
    layout.chunk.push_back(extent);
  }
}

void parse_index(Cursor& cursor, Layout& layout, bool is_single_filtered) {
  const std::uint8_t index = cursor.u8();
  GYRUS_CHECK(index != 4 && index != 5, Code::file_format, "the chunks are indexed by ",
              index == 4 ? "an extensible array" : "a v2 B-tree", ", which is not supported; ", kRewrite);
  GYRUS_CHECK(index >= 1 && index <= 3, Code::file_format, "the chunk index is of type ", int{index},
              ", 1 to 3 were expected; the file is damaged");
  layout.index = static_cast<IndexKind>(index);
  if (layout.index == IndexKind::single && is_single_filtered) {
    layout.has_single_bytes = true;
    layout.single_bytes = cursor.length();
    layout.single_mask = cursor.u32();
  }
  if (layout.index == IndexKind::fixed_array) cursor.skip(1);  // elements a page, which the array's header repeats
  layout.address = cursor.address();
}

void parse_chunked(Cursor& cursor, Layout& layout, std::uint8_t version) {
  if (version == 3) {
    const std::size_t count = cursor.u8();
    layout.address = cursor.address();
    layout.index = IndexKind::btree_1;
    return parse_chunk_extents(cursor, layout, count, 4);
  }
  const std::uint8_t flags = cursor.u8();
  const std::size_t count = cursor.u8();
  const std::uint64_t width = cursor.u8();
  parse_chunk_extents(cursor, layout, count, width);
  layout.leaves_edges_raw = (flags & 1U) != 0;
  parse_index(cursor, layout, (flags & 2U) != 0);
}

}  // namespace

Layout parse_layout(Cursor cursor) {
  const std::uint8_t version = cursor.version(3, 5);
  const std::uint8_t layout_class = cursor.u8();
  GYRUS_CHECK(layout_class != 3, Code::file_format,
              "it is a virtual dataset, made of parts of other files, which are never opened; rewrite it as one "
              "dataset");
  GYRUS_CHECK(layout_class <= 2, Code::file_format, "the layout is of class ", int{layout_class},
              ", 0 to 2 were expected; the file is damaged");
  Layout layout;
  layout.layout_class = static_cast<LayoutClass>(layout_class);
  switch (layout.layout_class) {
    case LayoutClass::compact: {
      const std::span<const std::byte> data = cursor.take(cursor.u16());
      layout.data.assign(data.begin(), data.end());
      break;
    }
    case LayoutClass::contiguous:
      layout.address = cursor.address();
      layout.bytes = cursor.length();
      break;
    case LayoutClass::chunked:
      parse_chunked(cursor, layout, version);
      break;
  }
  return layout;
}

}  // namespace gyrus::io::hdf5
