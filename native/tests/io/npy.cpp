// .npy: round trips, every type, slices, and every rule that a file can break.
#include "io/npy.h"

#include <unistd.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/memory_stats.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using io::NpyReader;

std::string dict_of(std::string_view descr, std::string_view shape) {
  return text("{'descr': '", descr, "', 'fortran_order': False, 'shape': ", shape, ", }\n");
}

std::vector<float> read_all(const NpyReader& reader) {
  std::vector<float> out(static_cast<std::size_t>(reader.shape().elements()));
  reader.read_f32(0, out);
  return out;
}

void test_round_trip(Suite& suite) {
  suite.test("what is written is read back, and NumPy's alignment is kept", [](Check& check) {
    const ScratchFolder folder;
    const std::int64_t held = memory_stats().host_bytes;
    for (const Shape& shape :
         {Shape{}, Shape{7}, Shape{1}, Shape{3, 5}, Shape{0}, Shape{4, 0, 2}, Shape{2, 1, 3, 2, 2}}) {
      std::vector<float> data(static_cast<std::size_t>(shape.elements()));
      std::iota(data.begin(), data.end(), 0.5F);
      io::write_npy(folder.path("x.npy"), shape, data);
      const NpyReader reader(folder.path("x.npy"));
      check.equal(reader.shape(), shape, "shape");
      check.equal(reader.dtype(), "<f4", "type");
      check.that(read_all(reader) == data, "the data of ", shape);
      const std::string bytes = read_bytes(folder.path("x.npy"));
      check.equal((bytes.size() - data.size() * 4) % 64, 0U, "bytes before the data, modulo 64");
      check.equal(bytes[bytes.size() - data.size() * 4 - 1], '\n', "the header's last byte");
    }
    check.equal(folder.entries(), 1U, "files");
    check.equal(memory_stats().host_bytes, held, "host bytes held");
  });
  suite.test("data of another size is refused before a file is made", [](Check& check) {
    const ScratchFolder folder;
    check.throws(Code::shape, "3 of 4", [&] { io::write_npy(folder.path("x"), Shape{2, 2}, std::vector<float>(3)); });
    check.equal(folder.entries(), 0U, "files");
  });
}

void test_reading(Suite& suite) {
  suite.test("every type", [](Check& check) {
    const auto read = [](std::string_view descr, std::string_view data) {
      const std::string image = npy_image(dict_of(descr, "(2,)"), data);
      return read_all(NpyReader(bytes_of(image), "memory"));
    };
    using namespace std::string_view_literals;
    check.that(read("<f4", "\0\0\x80\x3f\0\0\x20\xc1"sv) == std::vector<float>({1, -10}), "f4");
    check.that(read("<f8", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\x24\xc0"sv) == std::vector<float>({1, -10}), "f8");
    check.that(read("<f2", "\0\x3c\0\xc9"sv) == std::vector<float>({1, -10}), "f2");
    check.that(read("<u2", "\x01\0\xff\xff"sv) == std::vector<float>({1, 65535}), "u2");
    check.that(read("|u1", "\x01\xff"sv) == std::vector<float>({1, 255}), "u1");
    check.that(read("<i2", "\x01\0\xff\xff"sv) == std::vector<float>({1, -1}), "i2");
  });
  suite.test("versions 2.0 and 3.0, other spellings of the dict", [](Check& check) {
    const std::string_view dict = R"({"shape":(1,1),"fortran_order":False,"descr":"|u1"})";
    for (const char version : {'\x02', '\x03'}) {
      std::string image("\x93NUMPY", 6);
      image += {version, '\0', static_cast<char>(dict.size()), '\0', '\0', '\0'};
      image += text(dict, "A");
      check.that(read_all(NpyReader(bytes_of(image), "memory")) == std::vector<float>({65}), "the element");
    }
  });
  suite.test("slices", [](Check& check) {
    const ScratchFolder folder;
    std::vector<float> data(1000);
    std::iota(data.begin(), data.end(), 0.0F);
    io::write_npy(folder.path("x.npy"), Shape{10, 100}, data);
    const NpyReader reader(folder.path("x.npy"));
    std::vector<float> row(100);
    reader.read_f32(900, row);
    check.that(row.front() == 900 && row.back() == 999, "the last row");
    reader.read_f32(1000, {});
    for (const std::int64_t first : {std::int64_t{-1}, std::int64_t{901}, std::int64_t{1001}, INT64_MAX}) {
      check.throws(Code::invalid_argument, text("from ", first), [&] { reader.read_f32(first, row); });
    }
  });
  suite.test("a file truncated after it was opened is an error", [](Check& check) {
    const ScratchFolder folder;
    io::write_npy(folder.path("x.npy"), Shape{1000}, std::vector<float>(1000));
    const NpyReader reader(folder.path("x.npy"));
    check.equal(::truncate(folder.path("x.npy").c_str(), 2000), 0, "truncate");
    check.throws(Code::file_io, "reading on", [&] { read_all(reader); });
    check.throws(Code::file_format, "opening it anew", [&] { const NpyReader again(folder.path("x.npy")); });
    check.throws(Code::file_not_found, "no file", [&] { const NpyReader none(folder.path("none")); });
  });
}

struct BadDict {
  std::string_view rule, dict, message;
};

constexpr BadDict kBadDicts[] = {
    {"Fortran order", "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
     "is in Fortran order, C order was expected; save numpy.ascontiguousarray"},
    {"a structured array", "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }",
     "is a structured array"},
    {"an empty header", "", "found the header's end where { was expected"},
    {"no dict", "('descr',)", "found \"(\" where { was expected"},
    {"an open dict", "{'descr': '<f4', ", "found the header's end, expected a key in quotes"},
    {"an open string", "{'descr: 1", "ends inside a string"},
    {"an escape", "{'de\\x73cr': '<f4'}", "found an escape"},
    {"text behind the dict", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
     "only spaces were expected"},
    {"no comma in the dict", "{'descr': '<f4' 'shape': (1,)}", "a comma or } was expected"},
    {"no colon", "{'descr' '<f4'}", "where : was expected"},
    {"a key twice", "{'descr': '<f4', 'descr': '<f4'}", "has the key \"descr\" twice"},
    {"an unknown key", "{'dtype': '<f4'}", "has the key \"dtype\", expected descr, fortran_order and shape only"},
    {"no descr", "{'fortran_order': False, 'shape': (1,)}", "lacks the key descr"},
    {"no fortran_order", "{'descr': '<f4', 'shape': (1,)}", "lacks the key fortran_order"},
    {"no shape", "{'descr': '<f4', 'fortran_order': False}", "lacks the key shape"},
    {"an order that is a number", "{'fortran_order': 0}", "where False was expected or True"},
    {"a negative extent", "{'shape': (-1,)}", "found \"-\", expected an extent"},
    {"a fraction", "{'shape': (1.5,)}", "a comma or ) was expected"},
    {"a list", "{'shape': [1]}", "where ( was expected"},
    {"a number in parentheses", "{'shape': (1)}", "expected a tuple"},
    {"an open tuple", "{'shape': (1,", "found the header's end, expected an extent"},
    {"a nested tuple", "{'shape': ((((1,),),),)}", "found \"(\", expected an extent"},
    {"2^63", "{'shape': (9223372036854775808,)}", "2^63 or more"},
    {"six axes", "{'shape': (1,1,1,1,1,1)}", "has 6 axes, expected at most 5"},
    {"elements beyond 2^63", "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
     "has 2^63 bytes or more"},
    {"bytes beyond 2^63", "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,)}",
     "has 2^63 bytes or more"},
    {"too little data", "{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576)}",
     "the file holds 4; it is truncated"},
    {"too much data", "{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}",
     "needs 3 bytes, the file holds 4; it has bytes behind the array"},
    {"data for an empty array", "{'descr': '|u1', 'fortran_order': False, 'shape': (0,)}", "needs 0 bytes"},
};

constexpr BadDict kBadTypes[] = {
    {"Python objects", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
     "\"|O\" (Python objects), expected <f4"},
    {"big-endian", "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "\">f4\" (big-endian), expected <f4"},
    {"an unsupported type", "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "\"<c8\", expected <f4"},
};

void check_refused(Check& check, Code code, std::span<const BadDict> dicts) {
  for (const BadDict& bad : dicts) {
    const std::string image = npy_image(bad.dict, "1234");
    const std::string message =
        check.throws(code, bad.rule, [&] { const NpyReader reader(bytes_of(image), "some.npy"); });
    check.that(message.starts_with("some.npy: ") && contains(message, bad.message) && contains(message, "; "), bad.rule,
               ": '", bad.message, "' is not in: ", message);
  }
}

void test_bad(Suite& suite) {
  suite.test("bad headers", [](Check& check) { check_refused(check, Code::file_format, kBadDicts); });
  suite.test("element types that are not read", [](Check& check) { check_refused(check, Code::dtype, kBadTypes); });
  suite.test("bad beginnings", [](Check& check) {
    using namespace std::string_view_literals;
    const std::int64_t peak = memory_stats().peak_host_bytes;
    struct Bad {
      std::string_view bytes, message;
    };
    for (const Bad& bad :
         {Bad{"", "does not begin with"}, Bad{"PK\x03\x04xxxxxxxxx", "an .npz file holds several"},
          Bad{"\x93NUMP", "does not begin with"}, Bad{"\x93NUMPY\x01\0\0"sv, "has 9 bytes"},
          Bad{"\x93NUMPY\x04\0\x02\0{}  "sv, "of version 4.0"}, Bad{"\x93NUMPY\x01\x01\x02\0{}"sv, "of version 1.1"},
          Bad{"\x93NUMPY\0\0\x02\0{}"sv, "of version 0.0"},
          Bad{"\x93NUMPY\x01\0\x03\0{}"sv, "claims a header of 3 bytes, the file has 2"},
          Bad{"\x93NUMPY\x02\0\xff\xff\xff\xff{}"sv, "claims a header of 4294967295 bytes, at most 65536"}}) {
      const std::string message =
          check.throws(Code::file_format, bad.message, [&] { const NpyReader reader(bytes_of(bad.bytes), "f"); });
      check.that(contains(message, bad.message), bad.message, " is not in: ", message);
    }
    check.that(memory_stats().peak_host_bytes < peak + (1 << 20), "a lie about the header cost memory");
  });
  suite.test("every truncation of a good file is refused", [](Check& check) {
    const std::string image = npy_image(dict_of("<u2", "(2, 2)"), "12345678");
    for (std::size_t length = 0; length < image.size(); ++length) {
      const std::vector<char> part(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(length));
      check.throws(Code::file_format, text(length, " bytes"),
                   [&] { const NpyReader reader(std::as_bytes(std::span(part)), "f"); });
    }
    check.equal(NpyReader(bytes_of(image), "f").shape(), Shape({2, 2}), "the whole file");
  });
}

}  // namespace

void io_npy(Suite& suite) {
  test_round_trip(suite);
  test_reading(suite);
  test_bad(suite);
}

}  // namespace gyrus::tests::suites
