#include "io/hdf5/object_header.h"

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kWhat = "an object header";
constexpr std::uint8_t kFailIfUnknown = 0x80;  // message flag: who does not know the type must not read the object
constexpr std::uint16_t kLastKnownType = 0x17;

}  // namespace

ObjectHeader::ObjectHeader(const Image& image, std::uint64_t address) {
  Walk walk(image);
  std::byte first{};
  image.read_into(address, std::span(&first, 1), kWhat);
  if (first == std::byte{'O'}) {
    read_version_2(walk, address);
  } else {
    read_version_1(walk, address);
  }
}

void ObjectHeader::read_version_1(Walk& walk, std::uint64_t address) {
  const std::vector<std::byte> prefix = walk.read(address, 16, kWhat);
  Cursor cursor = walk.cursor(prefix, kWhat);
  cursor.version(1, 1);
  cursor.skip(1 + 2 + 4);  // number of messages, which some writers get wrong, and references
  blocks_.push_back(walk.read(address + 16, cursor.u32(), kWhat));
  parse_block(walk, blocks_.back(), false);
  follow(walk, false);
}

void ObjectHeader::read_version_2(Walk& walk, std::uint64_t address) {
  constexpr std::uint64_t kMaxPrefix = 4 + 2 + 16 + 4 + 8;
  walk.image().require(address, 7, kWhat);
  const std::uint64_t left = walk.image().size() - address;
  const std::vector<std::byte> start = walk.read(address, left < kMaxPrefix ? left : kMaxPrefix, kWhat);
  Cursor cursor = walk.cursor(start, kWhat);
  cursor.expect_signature("OHDR");
  cursor.version(2, 2);
  const std::uint8_t flags = cursor.u8();
  has_creation_order_ = (flags & 0x04U) != 0;
  if ((flags & 0x20U) != 0) cursor.skip(16);  // times
  if ((flags & 0x10U) != 0) cursor.skip(4);   // when attributes move to dense storage
  const std::uint64_t content = cursor.unsigned_of(std::uint64_t{1} << (flags & 3U));
  const std::uint64_t prefix = cursor.position();
  walk.image().require(address, prefix, kWhat);
  walk.image().require(address + prefix, content, kWhat);
  blocks_.push_back(walk.read(address, prefix + content + 4, kWhat));
  parse_block(walk, without_checksum(blocks_.back(), kWhat).subspan(static_cast<std::size_t>(prefix)), true);
  follow(walk, true);
}

void ObjectHeader::follow(Walk& walk, bool is_version_2) {
  constexpr std::string_view kBlock = "a continuation of an object header";
  // The list grows while blocks name further blocks; the walk's budget ends circles.
  for (std::size_t next = 0; next < continuations_.size(); ++next) {
    const Block place = continuations_[next];
    GYRUS_CHECK(place.bytes >= 8, Code::file_format, kBlock, " has ", place.bytes, " bytes; the file is damaged");
    blocks_.push_back(walk.read(place.address, place.bytes, kBlock));
    std::span<const std::byte> block = blocks_.back();
    if (is_version_2) {
      walk.cursor(block, kBlock).expect_signature("OCHK");
      block = without_checksum(block, kBlock).subspan(4);
    }
    parse_block(walk, block, is_version_2);
  }
}

void ObjectHeader::parse_block(Walk& walk, std::span<const std::byte> block, bool is_version_2) {
  const std::size_t prefix = !is_version_2 ? 8 : has_creation_order_ ? 6 : 4;
  Cursor cursor = walk.cursor(block, "a message of an object header");
  while (cursor.left() >= prefix) {  // what is left is a gap
    Message message{};
    message.type = is_version_2 ? cursor.u8() : cursor.u16();
    const std::uint16_t bytes = cursor.u16();
    message.flags = cursor.u8();
    cursor.skip(is_version_2 ? prefix - 4 : 3);
    message.bytes = cursor.take(bytes);
    GYRUS_CHECK(message.type <= kLastKnownType || (message.flags & kFailIfUnknown) == 0, Code::file_format,
                "an object header holds a message of the unknown type ", message.type,
                " that must be understood; rewrite the file with h5repack");
    messages_.push_back(message);
    if (message.type != static_cast<std::uint16_t>(MessageType::continuation)) continue;
    Cursor target = walk.cursor(message.bytes, "a continuation message");
    const std::uint64_t address = target.address();
    continuations_.push_back({address, target.length()});
  }
}

const Message* ObjectHeader::find(MessageType type) const {
  const Message* found = nullptr;
  for (const Message& message : messages_) {
    if (message.type != static_cast<std::uint16_t>(type)) continue;
    GYRUS_CHECK(found == nullptr, Code::file_format, "an object header holds two messages of type ", message.type,
                ", one was expected; the file is damaged");
    found = &message;
  }
  GYRUS_CHECK(found == nullptr || !found->is_shared(), Code::file_format, "the message of type ",
              static_cast<int>(type),
              " of an object header is shared with other objects (a committed datatype?), "
              "which is not supported; rewrite the dataset with a type of its own");
  return found;
}

}  // namespace gyrus::io::hdf5
