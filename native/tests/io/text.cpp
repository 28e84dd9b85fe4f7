// UTF-8 and the names shown in messages.
#include "io/utf8.h"

#include <string>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {

void io_text(Suite& suite) {
  suite.test("every scalar value survives encoding, and nothing else is UTF-8", [](Check& check) {
    int wrong = 0;
    for (char32_t scalar = 0; scalar <= 0x10FFFF; ++scalar) {
      const bool is_surrogate = scalar >= 0xD800 && scalar <= 0xDFFF;
      std::string bytes;
      io::append_utf8(bytes, scalar);
      const std::size_t length = scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
      if (bytes.size() != length || io::is_utf8(bytes) == is_surrogate) ++wrong;
      if (length > 1 && io::valid_utf8_prefix(bytes.substr(0, length - 1)) != 0) ++wrong;
    }
    check.equal(wrong, 0, "scalar values judged wrongly");
    for (const std::string_view bad :
         {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\xFF", "\xE2\x28\xA1"}) {
      check.that(!io::is_utf8(bad), io::quoted(bad), " was taken for UTF-8");
    }
    check.equal(io::valid_utf8_prefix("ab\xC3\xA9\xFFz"), 4U, "the valid part");
  });
  suite.test("quoted names cannot steer a terminal and are short", [](Check& check) {
    check.equal(io::quoted("layer1.0.conv1"), "\"layer1.0.conv1\"", "a plain name");
    check.equal(io::quoted("\x1b[31m\n"), "\"\\x1b[31m\\x0a\"", "control characters");
    check.equal(io::quoted("\xC3\xA9"), "\"\xC3\xA9\"", "a letter beyond ASCII");
    check.equal(io::quoted("\xC2\x9B"), "\"\\xc2\\x9b\"", "a C1 control character");
    check.equal(io::quoted("\xFF"), "\"\\xff\"", "not UTF-8");
    const std::string cut = io::quoted(std::string(1 << 20, 'a'));
    check.that(cut.size() < 130 && cut.ends_with("...\""), "a name of a megabyte is cut: ", cut.size());
  });
}

}  // namespace gyrus::tests::suites
