#include "io/utf8.h"

#include <cstdint>

namespace gyrus::io {
namespace {

constexpr std::size_t kMaxShown = 120;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

// Length of the well-formed sequence at `at`, or 0.
std::size_t sequence_length(std::string_view bytes, std::size_t at) {
  const std::uint8_t lead = byte_at(bytes, at);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || bytes.size() - at < length) return 0;
  // The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
  const std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte_at(bytes, at + 1) < low || byte_at(bytes, at + 1) > high) return 0;
  for (std::size_t next = 2; next < length; ++next) {
    if ((byte_at(bytes, at + next) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

void append_escaped(std::string& out, std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15U];
}

}  // namespace

std::size_t valid_utf8_prefix(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t length = sequence_length(bytes, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

void append_utf8(std::string& out, char32_t scalar) {
  const auto push = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<std::uint8_t>(byte)); };
  const std::uint32_t c = scalar;
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0U | (c >> 6));
    push(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    push(0xE0U | (c >> 12));
    push(0x80U | ((c >> 6) & 0x3FU));
    push(0x80U | (c & 0x3FU));
  } else {
    push(0xF0U | (c >> 18));
    push(0x80U | ((c >> 12) & 0x3FU));
    push(0x80U | ((c >> 6) & 0x3FU));
    push(0x80U | (c & 0x3FU));
  }
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  std::size_t at = 0;
  while (at < name.size() && out.size() < kMaxShown) {
    const std::size_t length = sequence_length(name, at);
    const std::uint8_t byte = byte_at(name, at);
    // C0 and C1 control characters (the latter are C2 80 to C2 9F) can move a terminal's cursor.
    const bool is_control =
        byte < 0x20 || byte == 0x7F || (length == 2 && byte == 0xC2 && byte_at(name, at + 1) < 0xA0);
    if (length == 0 || is_control) {
      append_escaped(out, byte);
      if (length == 2) append_escaped(out, byte_at(name, at + 1));
    } else {
      out += name.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  if (at < name.size()) out += "...";
  return out + "\"";
}

}  // namespace gyrus::io
