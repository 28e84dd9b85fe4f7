// The chunk index of layout version 3: a version 1 B-tree whose keys hold each chunk's size, mask and place.
#include <string_view>

#include "core/error.h"
#include "io/hdf5/chunk_index.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kWhat = "a B-tree node of a chunk index";

class Tree {
 public:
  explicit Tree(const ChunkedArray& array) : array_(array), walk_(array.image) {}

  void read_node(std::uint64_t address, int parent_level) {
    const Widths widths = array_.image.widths();
    const std::uint64_t head_bytes = 8 + 2 * widths.address;
    const std::vector<std::byte> head = walk_.read(address, head_bytes, kWhat);
    Cursor cursor = walk_.cursor(head, kWhat);
    cursor.expect_signature("TREE");
    const int type = cursor.u8(), level = cursor.u8();
    const std::uint64_t count = cursor.u16();
    GYRUS_CHECK(type == 1 && (parent_level < 0 || level == parent_level - 1), Code::file_format, kWhat, " is of type ",
                type, " and level ", level, ", type 1 and the level below ", parent_level,
                " were expected; the file is damaged");
    // A key: stored bytes, mask, offset along each axis and within an element; then the child's address.
    const std::uint64_t pair = 8 + 8 * (array_.grid.rank() + 1) + widths.address;
    const std::vector<std::byte> body = walk_.read(address + head_bytes, count * pair, kWhat);
    Cursor pairs = walk_.cursor(body, kWhat);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (level == 0) {
        read_entry(pairs);
      } else {
        pairs.skip(pair - widths.address);
        read_node(pairs.address(), level);
      }
    }
  }

  std::vector<ChunkEntry> entries;

 private:
  void read_entry(Cursor& cursor) {
    ChunkEntry entry;
    entry.bytes = cursor.u32();
    entry.mask = cursor.u32();
    std::vector<std::uint64_t> place;
    for (std::size_t axis = 0; axis < array_.grid.rank(); ++axis) {
      const std::uint64_t offset = cursor.u64(), extent = array_.grid.chunk(axis);
      GYRUS_CHECK(offset % extent == 0, Code::file_format, "a chunk begins at ", offset, " along axis ", axis,
                  ", a multiple of ", extent, " was expected; the file is damaged");
      place.push_back(offset / extent);
    }
    cursor.skip(8);  // within an element
    const std::optional<std::uint64_t> number = array_.grid.number_of(place);
    GYRUS_CHECK(number.has_value(), Code::file_format, "a chunk lies outside of the array; the file is damaged");
    entry.number = *number;
    entry.address = cursor.address();
    entries.push_back(entry);
  }

  const ChunkedArray& array_;
  Walk walk_;
};

}  // namespace

std::vector<ChunkEntry> read_btree_1(const ChunkedArray& array) {
  Tree tree(array);
  tree.read_node(array.layout.address, -1);
  return std::move(tree.entries);
}

}  // namespace gyrus::io::hdf5
