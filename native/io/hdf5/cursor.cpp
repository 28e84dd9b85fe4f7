#include "io/hdf5/cursor.h"

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io::hdf5 {
namespace {

std::string_view characters(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::span<const std::byte> Cursor::take(std::uint64_t count) {
  GYRUS_CHECK(count <= left(), Code::file_format, what_, " ends after ", bytes_.size(), " bytes, ", count,
              " more were expected at byte ", at_, "; the file is damaged: fetch or copy it again");
  const std::span<const std::byte> taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
  at_ += taken.size();
  return taken;
}

std::uint64_t Cursor::unsigned_of(std::uint64_t width) {
  std::uint64_t value = 0;
  unsigned shift = 0;
  for (const std::byte byte : take(width)) {
    value |= std::to_integer<std::uint64_t>(byte) << shift;
    shift += 8;
  }
  return value;
}

std::uint64_t Cursor::address() {
  const std::uint64_t value = unsigned_of(widths_.address);
  const std::uint64_t all_bits = kNoAddress >> (64 - 8 * widths_.address);
  return value == all_bits ? kNoAddress : value;
}

std::string_view Cursor::name(std::size_t padding) {
  const std::string_view rest = characters(bytes_.subspan(at_));
  const std::size_t length = rest.find('\0');
  GYRUS_CHECK(length != std::string_view::npos, Code::file_format, "a name in ", what_,
              " has no end; the file is damaged: fetch or copy it again");
  take((length / padding + 1) * padding);
  return rest.substr(0, length);
}

void Cursor::expect_signature(std::string_view expected) {
  const std::string_view found = characters(take(expected.size()));
  GYRUS_CHECK(found == expected, Code::file_format, what_, " begins with ", quoted(found), ", ", quoted(expected),
              " was expected; the file is damaged: fetch or copy it again");
}

std::uint8_t Cursor::version(std::uint8_t first, std::uint8_t last) {
  const std::uint8_t found = u8();
  GYRUS_CHECK(found >= first && found <= last, Code::file_format, what_, " is of version ", int{found}, ", ",
              int{first}, " to ", int{last}, " can be read; rewrite the file with h5repack or an older libver");
  return found;
}

}  // namespace gyrus::io::hdf5
