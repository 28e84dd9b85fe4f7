#include "io/hdf5/links.h"

#include <span>
#include <string_view>

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::uint32_t kSoftLinkEntry = 2;  // "cache type" of a symbol table entry

// The names that the entries of one symbol table point to.
class LocalHeap {
 public:
  LocalHeap(Walk& walk, std::uint64_t address) {
    constexpr std::string_view kWhat = "the local heap of a group";
    const Widths widths = walk.image().widths();
    const std::vector<std::byte> header = walk.read(address, 8 + 2 * widths.length + widths.address, kWhat);
    Cursor cursor = walk.cursor(header, kWhat);
    cursor.expect_signature("HEAP");
    cursor.version(0, 0);
    cursor.skip(3);
    const std::uint64_t bytes = cursor.length();
    cursor.length();  // free list
    data_ = walk.read(cursor.address(), bytes, kWhat);
    left_ = data_.size();
  }

  std::string name_at(std::uint64_t offset) {
    GYRUS_CHECK(offset < data_.size(), Code::file_format, "a link's name begins at byte ", offset,
                " of its heap, which has ", data_.size(), "; the file is damaged");
    const std::span<const std::byte> rest = std::span<const std::byte>(data_).subspan(static_cast<std::size_t>(offset));
    Cursor cursor(rest, "the local heap of a group");
    const std::string_view name = cursor.name(1);
    GYRUS_CHECK(name.size() < left_, Code::file_format,
                "names of links overlap in the local heap of a group; the file is damaged");
    left_ -= name.size() + 1;
    return std::string(name);
  }

 private:
  std::vector<std::byte> data_;
  std::size_t left_ = 0;  // bytes that names have not taken: in a sound file no two share any
};

class SymbolTable {
 public:
  SymbolTable(Walk& walk, std::uint64_t heap) : walk_(walk), heap_(walk, heap) {}

  void read_node(std::uint64_t address, int parent_level) {
    constexpr std::string_view kWhat = "a B-tree node of a group";
    const Widths widths = walk_.image().widths();
    const std::uint64_t head_bytes = 8 + 2 * widths.address;
    const std::vector<std::byte> head = walk_.read(address, head_bytes, kWhat);
    Cursor cursor = walk_.cursor(head, kWhat);
    cursor.expect_signature("TREE");
    const int type = cursor.u8(), level = cursor.u8();
    const std::uint64_t entries = cursor.u16();
    GYRUS_CHECK(type == 0 && (parent_level < 0 || level == parent_level - 1), Code::file_format, kWhat, " is of type ",
                type, " and level ", level, ", type 0 and the level below ", parent_level,
                " were expected; the file is damaged");
    const std::uint64_t pair = widths.length + widths.address;
    const std::vector<std::byte> body = walk_.read(address + head_bytes, entries * pair, kWhat);
    Cursor pairs = walk_.cursor(body, kWhat);
    for (std::uint64_t entry = 0; entry < entries; ++entry) {
      pairs.length();  // key: the least name
      const std::uint64_t child = pairs.address();
      if (level > 0) {
        read_node(child, level);
      } else {
        read_symbols(child);
      }
    }
  }

  std::vector<Link> links;

 private:
  void read_symbols(std::uint64_t address) {
    constexpr std::string_view kWhat = "a symbol table node";
    const Widths widths = walk_.image().widths();
    const std::vector<std::byte> head = walk_.read(address, 8, kWhat);
    Cursor cursor = walk_.cursor(head, kWhat);
    cursor.expect_signature("SNOD");
    cursor.version(1, 1);
    cursor.skip(1);
    const std::uint64_t entries = cursor.u16();
    const std::uint64_t entry_bytes = 2 * widths.address + 24;
    const std::vector<std::byte> body = walk_.read(address + 8, entries * entry_bytes, kWhat);
    Cursor symbols = walk_.cursor(body, kWhat);
    for (std::uint64_t entry = 0; entry < entries; ++entry) {
      const std::uint64_t name = symbols.address(), object = symbols.address();
      const bool is_soft = symbols.u32() == kSoftLinkEntry;
      symbols.skip(4 + 16);
      links.push_back({heap_.name_at(name), is_soft ? LinkKind::soft : LinkKind::hard, object});
    }
  }

  Walk& walk_;
  LocalHeap heap_;
};

std::vector<Link> links_of_symbol_table(Walk& walk, const Message& message) {
  Cursor cursor = walk.cursor(message.bytes, "a symbol table message");
  const std::uint64_t tree = cursor.address(), heap = cursor.address();
  SymbolTable table(walk, heap);
  table.read_node(tree, -1);
  return std::move(table.links);
}

Link parse_link(Cursor cursor) {
  cursor.version(1, 1);
  const std::uint8_t flags = cursor.u8();
  const std::uint8_t type = (flags & 0x08U) != 0 ? cursor.u8() : std::uint8_t{0};
  if ((flags & 0x04U) != 0) cursor.skip(8);  // creation order
  if ((flags & 0x10U) != 0) cursor.skip(1);  // character set
  const std::uint64_t length = cursor.unsigned_of(std::uint64_t{1} << (flags & 3U));
  const std::span<const std::byte> name = cursor.take(length);
  Link link{{reinterpret_cast<const char*>(name.data()), name.size()}, LinkKind::external, kNoAddress};
  if (type == 0) {
    link.kind = LinkKind::hard;
    link.address = cursor.address();
  } else if (type == 1) {
    link.kind = LinkKind::soft;
  }
  return link;
}

// Links of a group that outgrew its header lie in a fractal heap.
void check_not_dense(Cursor cursor) {
  cursor.version(0, 0);
  if ((cursor.u8() & 1U) != 0) cursor.skip(8);
  GYRUS_CHECK(cursor.address() == kNoAddress, Code::file_format,
              "the group keeps its links in a fractal heap (dense storage), which is not supported; rewrite the file "
              "with h5repack --low=0 --high=1 or with libver='earliest'");
}

}  // namespace

bool is_group(const ObjectHeader& header) {
  return header.find(MessageType::symbol_table) != nullptr || header.find(MessageType::link_info) != nullptr;
}

std::vector<Link> links_of(const Image& image, const ObjectHeader& group) {
  Walk walk(image);
  const Message* const table = group.find(MessageType::symbol_table);
  if (table != nullptr) return links_of_symbol_table(walk, *table);
  const Message* const info = group.find(MessageType::link_info);
  if (info != nullptr) check_not_dense(walk.cursor(info->bytes, "a link info message"));
  std::vector<Link> links;
  for (const Message& message : group.messages()) {
    if (message.type != static_cast<std::uint16_t>(MessageType::link)) continue;
    links.push_back(parse_link(walk.cursor(message.bytes, "a link message")));
  }
  return links;
}

}  // namespace gyrus::io::hdf5
