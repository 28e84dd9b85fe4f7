#include "io/npy_header.h"

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

// Reads the few forms of Python literal that such a header holds.
class LiteralCursor {
 public:
  LiteralCursor(std::string_view dict, std::string_view file) : dict_(dict), file_(file) {}

  [[noreturn]] void fail(std::string_view problem) const {
    throw Error(Code::file_format, text(file_, ": ", problem, " (byte ", at_,
                                        " of the header); the file is damaged: fetch it again or save it with "
                                        "numpy.save"));
  }

  bool accept(std::string_view word) {
    skip_space();
    if (!dict_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void expect(std::string_view word, std::string_view place) {
    if (!accept(word)) fail(text("found ", next_shown(), " where ", word, " was expected ", place));
  }

  void expect_end() {
    skip_space();
    if (at_ != dict_.size()) fail(text("found ", next_shown(), " where only spaces were expected after the dict"));
  }

  // In single or double quotes; NumPy writes no escapes into these strings.
  std::string string(std::string_view what) {
    const char quote = accept("'") ? '\'' : accept("\"") ? '"' : '\0';
    if (quote == '\0') fail(text("found ", next_shown(), ", expected ", what, " in quotes"));
    const std::size_t end = dict_.find(quote, at_);
    if (end == std::string_view::npos) fail("the header ends inside a string");
    const std::string_view found = dict_.substr(at_, end - at_);
    if (found.find('\\') != std::string_view::npos) fail(text("found an escape in ", quoted(found), ", expected none"));
    at_ = end + 1;
    return std::string(found);
  }

  bool boolean() {
    if (accept("True")) return true;
    expect("False", "or True as fortran_order");
    return false;
  }

  std::int64_t integer() {
    skip_space();
    const std::size_t first = at_;
    std::int64_t value = 0;
    for (; at_ < dict_.size() && dict_[at_] >= '0' && dict_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, dict_[at_] - '0', &value)) {
        fail("an extent of the shape is 2^63 or more, expected a smaller integer");
      }
    }
    if (at_ == first) fail(text("found ", next_shown(), ", expected an extent of the shape as an integer from 0"));
    return value;
  }

 private:
  void skip_space() {
    while (at_ < dict_.size() && (dict_[at_] == ' ' || dict_[at_] == '\n')) ++at_;
  }
  std::string next_shown() const {
    return at_ < dict_.size() ? quoted(dict_.substr(at_, 1)) : std::string("the header's end");
  }

  std::string_view dict_;
  std::string_view file_;
  std::size_t at_ = 0;
};

Shape parse_tuple(LiteralCursor& cursor) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::size_t rank = 0;
  bool ends_with_comma = true;
  cursor.expect("(", "before the shape");
  while (!cursor.accept(")")) {
    if (!ends_with_comma) cursor.fail("a comma or ) was expected in the shape");
    const std::int64_t extent = cursor.integer();
    if (rank < extents.size()) extents[rank] = extent;
    ++rank;
    ends_with_comma = cursor.accept(",");
  }
  if (rank == 1 && !ends_with_comma) cursor.fail("the shape is a number in parentheses, expected a tuple");
  if (rank > extents.size()) cursor.fail(text("has ", rank, " axes, expected at most ", extents.size()));
  return Shape(std::span<const std::int64_t>(extents.data(), rank));
}

std::string parse_descr(LiteralCursor& cursor, std::string_view file) {
  GYRUS_CHECK(!cursor.accept("["), Code::file_format, file,
              ": is a structured array, a plain one was expected; save one of its fields by itself");
  return cursor.string("an element type");
}

}  // namespace

NpyHeader parse_npy_header(std::string_view dict, std::string_view file) {
  NpyHeader header;
  LiteralCursor cursor(dict, file);
  bool has_descr = false, has_order = false, has_shape = false;
  const auto once = [&cursor](bool& seen, std::string_view key) {
    if (std::exchange(seen, true)) cursor.fail(text("has the key ", quoted(key), " twice"));
  };
  cursor.expect("{", "before the dict");
  bool ends_with_comma = true;
  while (!cursor.accept("}")) {
    if (!ends_with_comma) cursor.fail("a comma or } was expected in the dict");
    const std::string key = cursor.string("a key");
    cursor.expect(":", "after a key");
    if (key == "descr") {
      once(has_descr, key);
      header.descr = parse_descr(cursor, file);
    } else if (key == "fortran_order") {
      once(has_order, key);
      header.is_fortran_order = cursor.boolean();
    } else if (key == "shape") {
      once(has_shape, key);
      header.shape = parse_tuple(cursor);
    } else {
      cursor.fail(text("has the key ", quoted(key), ", expected descr, fortran_order and shape only"));
    }
    ends_with_comma = cursor.accept(",");
  }
  cursor.expect_end();
  if (!has_descr || !has_order || !has_shape) {
    cursor.fail(text("lacks the key ", !has_descr ? "descr" : !has_order ? "fortran_order" : "shape"));
  }
  return header;
}

}  // namespace gyrus::io
