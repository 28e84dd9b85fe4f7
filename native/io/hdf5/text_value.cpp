#include "io/hdf5/text_value.h"

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kWhat = "a collection of the global heap";

// Object `wanted` of the collection at `address`, of which `length` bytes are asked for.
std::string read_object(const Image& image, std::uint64_t address, std::uint32_t wanted, std::uint64_t length) {
  Walk walk(image);
  const std::uint64_t width = image.widths().length;
  const std::uint64_t head_bytes = 8 + width;
  const std::vector<std::byte> head = walk.read(address, head_bytes, kWhat);
  Cursor cursor = walk.cursor(head, kWhat);
  cursor.expect_signature("GCOL");
  cursor.version(1, 1);
  cursor.skip(3);
  const std::uint64_t size = cursor.length();
  GYRUS_CHECK(size >= head_bytes, Code::file_format, kWhat, " has ", size, " bytes; the file is damaged");
  const std::vector<std::byte> body = walk.read(address + head_bytes, size - head_bytes, kWhat);
  Cursor objects = walk.cursor(body, kWhat);
  while (objects.left() >= 8 + width) {
    const std::uint16_t index = objects.u16();
    objects.skip(6);  // reference count, reserved
    const std::uint64_t bytes = objects.length();
    if (index == 0) break;  // the free space at the end
    const std::span<const std::byte> data = objects.take(bytes);
    if (index == wanted) {
      GYRUS_CHECK(length <= bytes, Code::file_format, "a text has ", length, " characters, its object in the heap ",
                  bytes, "; the file is damaged");
      return {reinterpret_cast<const char*>(data.data()), static_cast<std::size_t>(length)};
    }
    if (bytes % 8 != 0) objects.skip(8 - bytes % 8);
  }
  throw Error(Code::file_format, text(kWhat, " has no object ", wanted, "; the file is damaged"));
}

}  // namespace

std::string text_of(const Image& image, const ElementType& type, std::span<const std::byte> element) {
  GYRUS_ASSERT(element.size() == type.bytes);
  std::string found;
  if (type.kind == ElementKind::text) {
    found.assign(reinterpret_cast<const char*>(element.data()), element.size());
  } else {
    GYRUS_CHECK(type.kind == ElementKind::variable_text, Code::dtype, "holds ", type.name, ", text was expected");
    Cursor cursor(element, "a text of variable length", image.widths());
    const std::uint64_t length = cursor.u32(), address = cursor.address();
    const std::uint32_t index = cursor.u32();
    if (length != 0 && address != 0) found = read_object(image, address, index, length);
  }
  return found.substr(0, found.find('\0'));
}

}  // namespace gyrus::io::hdf5
