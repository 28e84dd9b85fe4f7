// The wire format of protocol buffers, as far as writing ONNX needs it: a message is bytes to which fields are
// appended.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace gyrus::exporting {

class Message {
 public:
  const std::string& bytes() const { return bytes_; }

  void integer(std::uint32_t field, std::int64_t value) {
    tag(field, 0);
    varint(static_cast<std::uint64_t>(value));
  }
  void text(std::uint32_t field, std::string_view value) {
    length(field, value.size());
    bytes_ += value;
  }
  void message(std::uint32_t field, const Message& value) { text(field, value.bytes()); }
  void real(std::uint32_t field, float value) {
    tag(field, 5);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned byte = 0; byte < 4; ++byte) bytes_ += static_cast<char>(bits >> (8 * byte) & 0xffU);
  }
  // The beginning of a field of so many bytes, which the caller appends or writes behind it.
  void length(std::uint32_t field, std::uint64_t bytes) {
    tag(field, 2);
    varint(bytes);
  }

 private:
  void tag(std::uint32_t field, std::uint32_t type) { varint(std::uint64_t{field} << 3U | type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) bytes_ += static_cast<char>(value | 0x80U);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace gyrus::exporting
