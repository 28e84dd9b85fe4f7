#include "io/json_cursor.h"

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void JsonCursor::skip_space() {
  while (at_ < json_.size()) {
    const char c = json_[at_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') break;
    ++at_;
  }
}

std::string JsonCursor::next_shown() const {
  return at_ < json_.size() ? quoted(json_.substr(at_, 1)) : std::string("the header's end");
}

void JsonCursor::fail(std::string_view problem) const {
  throw Error(Code::file_format,
              text(file_, ": ", tensor_.empty() ? std::string() : text("tensor ", quoted(tensor_), ": "), problem,
                   " (byte ", at_,
                   " of the header); the file is damaged or its writer is faulty: fetch it again or "
                   "save it with the safetensors library"));
}

bool JsonCursor::accept(char c) {
  skip_space();
  if (at_ == json_.size() || json_[at_] != c) return false;
  ++at_;
  return true;
}

void JsonCursor::expect(char c, std::string_view place) {
  if (!accept(c)) fail(text("found ", next_shown(), " where '", c, "' was expected ", place));
}

void JsonCursor::expect_end() {
  skip_space();
  if (at_ != json_.size()) fail(text("found ", next_shown(), " where only spaces were expected after the JSON object"));
}

std::string JsonCursor::string(std::string_view what) {
  skip_space();
  if (at_ == json_.size() || json_[at_] != '"') fail(text("found ", next_shown(), ", expected ", what, " in quotes"));
  ++at_;
  std::string out;
  while (true) {
    const std::size_t first = at_;
    while (at_ < json_.size() && json_[at_] != '"' && json_[at_] != '\\' &&
           static_cast<unsigned char>(json_[at_]) >= 0x20)
      ++at_;
    out += json_.substr(first, at_ - first);
    if (at_ == json_.size()) fail("the header ends inside a string");
    const char c = json_[at_];
    if (c != '"' && c != '\\')
      fail(text("found the control character ", next_shown(), " in a string, expected its escape"));
    ++at_;
    if (c == '"') return out;
    append_utf8(out, escape());
  }
}

// What follows a backslash.
char32_t JsonCursor::escape() {
  if (at_ == json_.size()) fail("the header ends inside a string");
  switch (json_[at_++]) {
    case '"':
      return U'"';
    case '\\':
      return U'\\';
    case '/':
      return U'/';
    case 'b':
      return U'\b';
    case 'f':
      return U'\f';
    case 'n':
      return U'\n';
    case 'r':
      return U'\r';
    case 't':
      return U'\t';
    case 'u':
      break;
    default:
      --at_;
      fail(text("found the escape \\ followed by ", next_shown(), ", which JSON does not know"));
  }
  const std::uint32_t first = four_hex_digits();
  if (first < 0xD800 || first > 0xDFFF) return first;
  const bool has_pair = first < 0xDC00 && json_.substr(at_, 2) == "\\u";
  if (has_pair) at_ += 2;
  const std::uint32_t second = has_pair ? four_hex_digits() : 0;
  if (second < 0xDC00 || second > 0xDFFF)
    fail("found half a surrogate pair (\\ud800 to \\udfff), expected both halves");
  return 0x10000U + ((first - 0xD800U) << 10U) + (second - 0xDC00U);
}

std::uint32_t JsonCursor::four_hex_digits() {
  std::uint32_t value = 0;
  for (int digit = 0; digit < 4; ++digit) {
    const char c = at_ < json_.size() ? json_[at_] : '\0';
    const bool is_upper = c >= 'A' && c <= 'F', is_lower = c >= 'a' && c <= 'f';
    if (!is_digit(c) && !is_upper && !is_lower)
      fail(text("found ", next_shown(), ", expected four hex digits after \\u"));
    value = value * 16U + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : is_upper ? c - 'A' + 10 : c - 'a' + 10);
    ++at_;
  }
  return value;
}

std::int64_t JsonCursor::integer(std::string_view what) {
  skip_space();
  const std::size_t first = at_;
  std::int64_t value = 0;
  while (at_ < json_.size() && is_digit(json_[at_])) {
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, json_[at_] - '0', &value)) {
      fail(text(what, " is 2^63 or more, expected a smaller integer"));
    }
    ++at_;
  }
  if (at_ == first) fail(text("found ", next_shown(), ", expected ", what, " as an integer from 0"));
  if (at_ - first > 1 && json_[first] == '0') fail(text(what, " begins with 0, which JSON forbids"));
  const char next = at_ < json_.size() ? json_[at_] : '\0';
  if (next == '.' || next == 'e' || next == 'E') fail(text(what, " is not an integer, expected one from 0"));
  return value;
}

}  // namespace gyrus::io
