// A strict reader over JSON text (RFC 8259), restricted to what headers need: objects, arrays, strings, and integers in
// [0, 2^63). It never recurses: the caller's grammar fixes the depth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gyrus::io {

class JsonCursor {
 public:
  // `json` must be UTF-8 (utf8.h) and outlive the cursor; `file` stands in messages. All errors are Code::file_format.
  JsonCursor(std::string_view json, std::string_view file) : json_(json), file_(file) {}

  // Skips white space, then takes `c` if it is next.
  bool accept(char c);
  // The same, but anything else is an error: "expected ':' after …".
  void expect(char c, std::string_view place);
  // A string with its escapes resolved. `what` names it in messages.
  std::string string(std::string_view what);
  std::int64_t integer(std::string_view what);
  // Throws unless only white space is left.
  void expect_end();

  // Calls on_member(key) at each member's value, which it must consume. Repeated keys are the caller's to refuse.
  template <class OnMember>
  void members(std::string_view what, OnMember on_member) {
    expect('{', what);
    if (accept('}')) return;
    do {
      std::string key = string("a key");
      expect(':', "after a key");
      on_member(std::move(key));
    } while (accept(','));
    expect('}', what);
  }

  // Names the tensor in the messages from here on; empty for none.
  void set_tensor(std::string_view name) { tensor_ = name; }
  // `problem` says what was found and what was expected.
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  void skip_space();
  std::string next_shown() const;
  char32_t escape();
  std::uint32_t four_hex_digits();

  std::string_view json_;
  std::string_view file_;
  std::string tensor_;
  std::size_t at_ = 0;
};

}  // namespace gyrus::io
