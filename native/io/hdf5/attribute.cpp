#include "io/hdf5/attribute.h"

#include "core/error.h"
#include "io/hdf5/dataspace.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kWhat = "an attribute";

// nullopt: it has another name.
std::optional<Attribute> parse_attribute(Cursor cursor, std::string_view wanted) {
  const std::uint8_t version = cursor.version(1, 3);
  const std::uint8_t flags = cursor.u8();
  const std::uint64_t name_bytes = cursor.u16(), type_bytes = cursor.u16(), space_bytes = cursor.u16();
  if (version == 3) cursor.skip(1);  // character set
  const auto padded = [version](std::uint64_t bytes) { return version == 1 ? (bytes + 7) / 8 * 8 : bytes; };
  const std::span<const std::byte> name = cursor.take(padded(name_bytes));
  std::string_view found(reinterpret_cast<const char*>(name.data()), static_cast<std::size_t>(name_bytes));
  found = found.substr(0, found.find('\0'));
  if (found != wanted) return std::nullopt;
  GYRUS_CHECK(version == 1 || (flags & 3U) == 0, Code::file_format,
              "its type or space is shared with other objects, which is not supported; rewrite the attribute");
  Cursor type(cursor.take(padded(type_bytes)), "a datatype", cursor.widths());
  Cursor space(cursor.take(padded(space_bytes)), "a dataspace", cursor.widths());
  Attribute attribute;
  attribute.type = parse_datatype(type);
  attribute.shape = parse_dataspace(space).shape;
  std::uint64_t bytes = 0;
  GYRUS_CHECK(
      !__builtin_mul_overflow(static_cast<std::uint64_t>(attribute.shape.elements()), attribute.type.bytes, &bytes),
      Code::file_format, kWhat, " has 2^64 bytes or more; the file is damaged");
  attribute.data = cursor.take(bytes);
  return attribute;
}

void check_not_dense(Cursor cursor) {
  cursor.version(0, 0);
  if ((cursor.u8() & 1U) != 0) cursor.skip(2);
  GYRUS_CHECK(cursor.address() == kNoAddress, Code::file_format,
              "the object keeps its attributes in a fractal heap (dense storage), which is not supported; rewrite the "
              "file with h5repack --low=0 --high=1 or with libver='earliest'");
}

}  // namespace

std::optional<Attribute> find_attribute(const Image& image, const ObjectHeader& header, std::string_view name) {
  for (const Message& message : header.messages()) {
    if (message.type != static_cast<std::uint16_t>(MessageType::attribute) || message.is_shared()) continue;
    std::optional<Attribute> found = parse_attribute(Cursor(message.bytes, kWhat, image.widths()), name);
    if (found) return found;
  }
  const Message* const info = header.find(MessageType::attribute_info);
  if (info != nullptr) check_not_dense(Cursor(info->bytes, "an attribute info message", image.widths()));
  return std::nullopt;
}

}  // namespace gyrus::io::hdf5
