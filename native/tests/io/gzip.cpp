// Gzip: members that zlib made, one and several, whole, in part and from the middle; truncated and damaged ones.
#include "io/gzip.h"

#include <algorithm>
#include <string>
#include <vector>

#include "io/inflate.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

// Text that neither packs to nothing nor not at all.
std::string some_text(std::size_t count) {
  std::string text(count, '\0');
  std::uint32_t state = 7;
  for (char& letter : text) letter = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 28) % 7);
  return text;
}

std::string zeros(std::size_t count) {
  std::string bytes;
  bytes.resize(count);
  return bytes;
}

std::string read(std::string_view packed, std::int64_t skip, std::size_t count) {
  std::string out(count, '?');
  io::Gunzip().read(bytes_of(packed), skip, std::as_writable_bytes(std::span(out)), "x.gz");
  return out;
}

void test_whole(Suite& suite) {
  suite.test("one member at every level, and nothing", [](Check& check) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{300'000}}) {
      const std::string text = some_text(size);
      for (const int level : {0, 1, 6, 9})
        check.that(read(gzip_image(text, level), 0, size) == text, size, " at ", level);
    }
  });
  suite.test("several members are one stream, padding ends it", [](Check& check) {
    const std::string text = some_text(5000);
    const std::string packed = gzip_image(text.substr(0, 1)) + gzip_image("") + gzip_image(text.substr(1, 3000)) +
                               gzip_image(text.substr(3001));
    check.that(read(packed, 0, 5000) == text, "whole");
    check.that(read(packed + std::string(512, '\0'), 0, 5000) == text, "with zeros behind");
    check.that(read(packed, 2990, 100) == text.substr(2990, 100), "across members");
    check.that(read(packed, 0, 4000) == text.substr(0, 4000), "less than there is");
  });
  suite.test("parts from any place", [](Check& check) {
    const std::string text = some_text(200'000), packed = gzip_image(text);
    for (const std::int64_t skip : {0, 1, 4095, 65'535, 65'536, 131'073, 199'999, 200'000}) {
      const auto count = std::min<std::size_t>(100, text.size() - static_cast<std::size_t>(skip));
      check.that(read(packed, skip, count) == text.substr(static_cast<std::size_t>(skip), count), "from ", skip);
    }
  });
  suite.test("a prefix needs only the beginning of the data", [](Check& check) {
    const std::string text = some_text(100'000), packed = gzip_image(text);
    std::string out(540, '?');
    const auto found = [&](std::string_view some) {
      return io::Gunzip().prefix(bytes_of(some), std::as_writable_bytes(std::span(out)), "x.gz");
    };
    check.equal(found(std::string_view(packed).substr(0, 2000)), std::int64_t{540}, "bytes");
    check.that(out == text.substr(0, 540), "contents");
    check.equal(found(gzip_image("short")), std::int64_t{5}, "all of a short stream");
    check.equal(found(std::string_view(packed).substr(0, 12)), std::int64_t{0}, "nothing of a header alone");
  });
}

void test_damage(Suite& suite) {
  suite.test("cut off anywhere, it is an error that names the file", [](Check& check) {
    const std::string text = some_text(400), packed = gzip_image(text);
    for (std::size_t size = 0; size < packed.size(); ++size) {
      const std::string_view cut = std::string_view(packed).substr(0, size);
      const std::string message = check.throws(Code::file_format, "whole", [&] { read(cut, 0, 400); });
      if (!contains(message, "x.gz")) check.that(false, size, " bytes: ", message);
    }
    check.that(
        contains(check.throws(Code::file_format, "part", [&] { read(packed.substr(0, 60), 300, 100); }), "ends early"),
        "the message says so");
  });
  suite.test("a changed byte is found by the checksum", [](Check& check) {
    const std::string text = some_text(2000), packed = gzip_image(text);
    // The header's name and time may say anything; what follows may not.
    for (std::size_t at = 10; at < packed.size(); ++at) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      check.throws(Code::file_format, "a changed byte", [&] { read(damaged, 0, 2000); });
    }
  });
  suite.test("less than announced", [](Check& check) {
    const std::string message = check.throws(Code::file_format, "short", [&] { read(gzip_image("abc"), 0, 4); });
    check.that(contains(message, "4 bytes are announced, its gzip data holds 3"), message);
    check.throws(Code::file_format, "skipped past the end", [&] { read(gzip_image("abc"), 10, 1); });
    check.throws(Code::file_format, "no gzip", [&] { read("abcdefghijklmnopqrstuvwxyz", 0, 4); });
  });
  suite.test("a second member that is damaged or cut off", [](Check& check) {
    const std::string text = some_text(900), first = gzip_image(text.substr(0, 400)),
                      second = gzip_image(text.substr(400));
    for (std::size_t size = 0; size < second.size(); ++size) {
      check.throws(Code::file_format, "cut", [&] { read(first + second.substr(0, size), 0, 900); });
    }
    check.throws(Code::file_format, "cut, from the middle", [&] { read(first + second.substr(0, 40), 450, 450); });
    std::string damaged = second;
    damaged[second.size() - 6] ^= 1;  // of its checksum
    check.throws(Code::file_format, "checksum", [&] { read(first + damaged, 0, 900); });
    check.that(read(first + damaged, 0, 400) == text.substr(0, 400), "what lies before is there");
  });
  suite.test("fields of the header that may be left out", [](Check& check) {
    const std::string text = some_text(300), plain = gzip_image(text);
    std::string head = plain.substr(0, 10);
    head[3] = 4 | 8 | 16;
    const std::string fields =
        head + std::string("\x03\0abc", 5) + std::string("v.nii\0", 6) + std::string("remark\0", 7);
    check.that(read(fields + plain.substr(10), 0, 300) == text, "extra field, name and comment");
    check.that(read(fields + plain.substr(10), 7, 93) == text.substr(7, 93), "through zlib");
    check.throws(Code::file_format, "a name without an end", [&] { read(fields.substr(0, 18), 0, 1); });
  });
  suite.test("a bomb gives what was asked for and no more", [](Check& check) {
    const std::string packed = gzip_image(zeros(50'000'000), 9);
    check.that(packed.size() < 60'000, packed.size(), " bytes packed");
    check.that(read(packed, 0, 1000) == std::string(1000, '\0'), "the beginning");
    check.that(read(packed, 49'999'000, 1000) == std::string(1000, '\0'), "the end");
    const std::string larger = packed + gzip_image(zeros(20'000'000), 9);
    const std::string message = check.throws(Code::file_format, "70 MB behind", [&] { read(larger, 0, 1000); });
    check.that(contains(message, "x.gz holds more"), message);
  });
}

void test_both(Suite& suite) {
  suite.test("two at once", [](Check& check) {
    if (!check.that(true, "") || !io::Inflater::is_supported()) return;
    const std::string text = some_text(90'000), plain = gzip_image(text), other = gzip_image(some_text(400), 9);
    std::string head = plain.substr(0, 10);
    head[3] = 2 | 4 | 8 | 16;
    const std::string fields = head + std::string("\x03\0abc", 5) + std::string("v.nii\0", 6) +
                               std::string("remark\0", 7) + "cc" + plain.substr(10);
    std::string wrong = plain;
    wrong[plain.size() - 7] ^= 4;  // of its checksum
    const auto read_both = [&](std::string_view first, std::size_t room) {
      std::string out(room, '?'), small(400, '?');
      const auto are_whole = io::Gunzip().read_both({bytes_of(first), std::as_writable_bytes(std::span(out))},
                                                    {bytes_of(other), std::as_writable_bytes(std::span(small))});
      check.that(are_whole[1] && small == some_text(400), "the other");
      return are_whole[0] && out == text;
    };
    check.that(read_both(plain, 90'000) && read_both(fields, 90'000), "whole, with and without fields");
    check.that(read_both(plain + std::string(9, '\0'), 90'000), "with zeros behind");
    check.that(!read_both(wrong, 90'000), "a wrong checksum");
    check.that(!read_both(plain, 90'001) && !read_both(plain, 89'999), "another size");
    check.that(!read_both(plain.substr(0, plain.size() / 2), 90'000), "cut off");
    check.that(!read_both(plain.substr(0, plain.size() - 1), 90'000), "cut off in the trailer");
    check.that(!read_both(fields.substr(0, 14), 90'000) && !read_both("", 90'000), "less than a header");
    check.that(!read_both(gzip_image(text.substr(0, 50)) + gzip_image(text.substr(50)), 90'000), "two members");
  });
}

}  // namespace

void io_gzip(Suite& suite) {
  test_whole(suite);
  test_both(suite);
  test_damage(suite);
}

}  // namespace gyrus::tests::suites
