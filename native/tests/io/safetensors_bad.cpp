// Every rule that a safetensors file can break, with what the message must say.
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "core/memory_stats.h"
#include "io/safetensors.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

struct BadHeader {
  std::string_view rule, header;
  std::size_t data_bytes;
  std::string_view message;  // a part of it
};

constexpr BadHeader kGrammar[] = {
    {"an empty header", "", 0, "begins with nothing, expected '{'"},
    {"a header that is no object", "[]", 0, "begins with \"[\", expected '{'"},
    {"leading space", " {}", 0, "expected '{'"},
    {"an open object", "{", 0, "found the header's end, expected a key in quotes"},
    {"text behind the object", "{}x", 0, "found \"x\" where only spaces were expected"},
    {"NUL padding", std::string_view("{}\0\0", 4), 0, "only spaces were expected"},
    {"a trailing comma", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},})", 1, "found \"}\", expected a key"},
    {"no colon", R"({"a"{}})", 0, "where ':' was expected after a key"},
    {"a key without quotes", "{a:{}}", 0, "found \"a\", expected a key in quotes"},
    {"single quotes", "{'a':{}}", 0, "found \"'\", expected a key in quotes"},
    {"an open string", R"({"a)", 0, "ends inside a string"},
    {"a string that ends in a backslash", "{\"a\\", 0, "ends inside a string"},
    {"a control character", "{\"a\nb\":{}}", 0, "control character \"\\x0a\""},
    {"an unknown escape", R"({"\q":{}})", 0, "escape \\ followed by \"q\""},
    {"a short \\u escape", R"({"\u12":{}})", 0, "expected four hex digits"},
    {"a \\u escape with a sign", R"({"\u+123":{}})", 0, "found \"+\", expected four hex digits"},
    {"a lone high surrogate", R"({"\ud800":{}})", 0, "half a surrogate pair"},
    {"a lone low surrogate", R"({"\udc00":{}})", 0, "half a surrogate pair"},
    {"two high surrogates", R"({"\ud800\ud800":{}})", 0, "half a surrogate pair"},
    {"two low surrogates", R"({"\udc00\udc00":{}})", 0, "half a surrogate pair"},
    {"not UTF-8", "{\"\xC0\x80\":{}}", 0, "not UTF-8 at its byte 2"},
    {"an encoded surrogate", "{\"\xED\xA0\x80\":{}}", 0, "not UTF-8"},
    {"an entry that is no object", R"({"a":[]})", 0, "found \"[\" where '{' was expected"},
    {"an entry that is null", R"({"a":null})", 0, "tensor \"a\": found \"n\" where '{' was expected"},
    {"deep nesting", R"({"a":{"shape":[[[[[[[[[[1]]]]]]]]]]}})", 0, "found \"[\", expected an extent"},
    {"metadata that is no object", R"({"__metadata__":"x"})", 0, "around __metadata__"},
    {"metadata with a number", R"({"__metadata__":{"epoch":3}})", 0, "expected a value of __metadata__ in quotes"},
    {"metadata with an object", R"({"__metadata__":{"a":{}}})", 0, "expected a value of __metadata__ in quotes"},
};

constexpr BadHeader kNames[] = {
    {"a name twice",
     R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0,
     "the tensor \"a\" is there twice"},
    {"a name twice in disguise",
     R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
     R"("\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
     0, "the tensor \"a\" is there twice"},
    {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, "__metadata__ is there twice"},
    {"a metadata key twice", R"({"__metadata__":{"k":"1","k":"2"}})", 0, "has the key \"k\" twice"},
    {"an empty name", R"({"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0, "name is empty"},
    {"dtype twice", R"({"a":{"dtype":"U8","dtype":"U8"}})", 0, "tensor \"a\": has the key \"dtype\" twice"},
    {"shape twice", R"({"a":{"shape":[1],"shape":[1]}})", 0, "has the key \"shape\" twice"},
    {"data_offsets twice", R"({"a":{"data_offsets":[0,1],"data_offsets":[0,1]}})", 0,
     "has the key \"data_offsets\" twice"},
    {"an unknown key", R"({"a":{"strides":[1]}})", 0,
     "has the key \"strides\", expected dtype, shape and data_offsets only"},
    {"no dtype", R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1, "tensor \"a\": lacks the key \"dtype\""},
    {"no shape", R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1, "lacks the key \"shape\""},
    {"no data_offsets", R"({"a":{"dtype":"U8","shape":[1]}})", 1, "lacks the key \"data_offsets\""},
    {"an empty entry", R"({"a":{}})", 0, "lacks the key \"dtype\""},
    {"an unknown type", R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1,
     "tensor \"a\": has the element type \"F8_E4M3\", expected F64, F32"},
    {"a type in small letters", R"({"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}})", 4, "element type \"f32\""},
    {"a type that is a number", R"({"a":{"dtype":32}})", 0, "expected an element type in quotes"},
    {"a name with escapes for a terminal", R"({"\u001b[2J":{}})", 0, "tensor \"\\x1b[2J\": lacks"},
};

constexpr BadHeader kNumbers[] = {
    {"a negative extent", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1,
     "found \"-\", expected an extent"},
    {"a fraction", R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1, "is not an integer"},
    {"an exponent", R"({"a":{"dtype":"U8","shape":[1e3],"data_offsets":[0,1]}})", 1, "is not an integer"},
    {"a leading zero", R"({"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}})", 1, "begins with 0"},
    {"a plus sign", R"({"a":{"dtype":"U8","shape":[+1],"data_offsets":[0,1]}})", 1, "found \"+\""},
    {"a number in quotes", R"({"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}})", 1, "as an integer"},
    {"2^63", R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}})", 1, "2^63 or more"},
    {"2^64 + 1", R"({"a":{"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,1]}})", 1, "2^63 or more"},
    {"a comma at the end of a shape", R"({"a":{"shape":[1,]}})", 0, "found \"]\", expected an extent"},
    {"an open shape", R"({"a":{"shape":[1})", 0, "where ']' was expected after a shape"},
    {"six axes", R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1],"data_offsets":[0,1]}})", 1,
     "tensor \"a\": has 6 axes, expected at most 5"},
    {"one offset", R"({"a":{"data_offsets":[0]}})", 0, "where ',' was expected between two data_offsets"},
    {"three offsets", R"({"a":{"data_offsets":[0,1,2]}})", 0, "where ']' was expected after two data_offsets"},
    {"elements beyond 2^63", R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
     "tensor \"a\" [4294967296, 4294967296] has 2^63 bytes or more"},
    {"bytes beyond 2^63", R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0,
     "2^63 bytes or more"},
    {"a product beyond 2^63 before a zero",
     R"({"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}})", 0, "2^63 bytes or more"},
};

constexpr BadHeader kOffsets[] = {
    {"more bytes than the shape needs", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,3]}})", 3,
     "tensor \"a\" [2] of type U8 needs 2 bytes, its data_offsets [0, 3] give 3"},
    {"fewer bytes than the shape needs", R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", 20,
     "needs 24 bytes"},
    {"no bytes for a scalar", R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,0]}})", 0,
     "tensor \"a\" [] of type F32 needs 4 bytes"},
    {"an end before its beginning", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1,
     "begins at byte 1 and ends at 0"},
    {"an end beyond the file", R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 8,
     "ends at byte 9 of the data, the file holds 8; the file is truncated"},
    {"offsets near 2^63",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]}})", 1,
     "ends at byte 9223372036854775807"},
    {"a terabyte in a small file", R"({"a":{"dtype":"F32","shape":[1048576,262144],"data_offsets":[0,1099511627776]}})",
     64, "truncated"},
    {"a gap at the beginning", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2,
     "expected 0: a gap of 1 bytes"},
    {"a gap between two",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})", 4,
     "tensor \"b\" begins at byte 3 of the data, expected 1: a gap of 2 bytes"},
    {"an overlap",
     R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}})", 5,
     "tensor \"b\" begins at byte 2 of the data, inside tensor \"a\" that ends at 3"},
    {"the same bytes twice",
     R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", 3,
     "inside tensor"},
    {"an empty tensor inside another",
     R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})", 3,
     "tensor \"b\" begins at byte 1 of the data, inside tensor \"a\""},
    {"bytes behind the last tensor", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 5,
     "has 4 bytes behind the last tensor"},
    {"bytes and no tensor", "{}", 1, "has 1 bytes behind the last tensor"},
};

template <std::size_t N>
void test_table(Suite& suite, std::string_view title, const BadHeader (&table)[N]) {
  suite.test(title, [&table](Check& check) {
    for (const BadHeader& bad : table) {
      const std::string image = safetensors_image(bad.header, bad.data_bytes);
      const std::string message = check.throws(Code::file_format, bad.rule, [&] {
        const io::SafetensorsReader reader(bytes_of(image), "some.safetensors");
      });
      check.that(message.starts_with("some.safetensors: ") && contains(message, bad.message) && contains(message, ";"),
                 bad.rule, ": '", bad.message, "' is not in: ", message);
    }
  });
}

std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string image(8, '\0');
  std::memcpy(image.data(), &length, sizeof(length));
  return image + std::string(rest);
}

void test_lengths(Suite& suite) {
  suite.test("lengths that lie cost no memory", [](Check& check) {
    const std::int64_t peak = memory_stats().peak_host_bytes;
    const std::string rest = "{}" + std::string(62, ' ');
    for (const std::uint64_t length :
         {std::uint64_t{65}, std::uint64_t{1} << 60U, (std::uint64_t{1} << 63U) + 64, ~std::uint64_t{0}}) {
      const std::string image = with_length(length, rest);
      const std::string message = check.throws(Code::file_format, "a long header",
                                               [&] { const io::SafetensorsReader reader(bytes_of(image), "f"); });
      check.that(contains(message, text("claims a header of ", length, " bytes, the file has 64")), message);
    }
    check.equal(memory_stats().peak_host_bytes, peak, "peak of host bytes");
  });
  suite.test("a sparse file of a gigabyte with a header as long is refused unread", [](Check& check) {
    const ScratchFolder folder;
    write_bytes(folder.path("f"), with_length(std::uint64_t{1} << 30U, "{"));
    std::filesystem::resize_file(folder.path("f"), (std::uint64_t{1} << 30U) + 8);
    const std::int64_t peak = memory_stats().peak_host_bytes;
    const std::string message =
        check.throws(Code::file_format, "1 GiB", [&] { const io::SafetensorsReader reader(folder.path("f")); });
    check.that(contains(message, "at most 100000000 were expected"), message);
    check.equal(memory_stats().peak_host_bytes, peak, "peak of host bytes");
  });
  suite.test("every truncation of a good file is refused", [](Check& check) {
    const std::string image =
        safetensors_image(R"({"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
    for (std::size_t length = 0; length < image.size(); ++length) {
      // A copy of its own, so that AddressSanitizer sees a read beyond it.
      const std::vector<char> part(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(length));
      check.throws(Code::file_format, text(length, " bytes"),
                   [&] { const io::SafetensorsReader reader(std::as_bytes(std::span(part)), "f"); });
    }
    check.equal(io::SafetensorsReader(bytes_of(image), "f").tensors().size(), 1U, "the whole file");
  });
}

void test_other_formats(Suite& suite) {
  struct Other {
    std::string_view bytes, remedy;
  };
  static constexpr Other kOthers[] = {
      {"PK\x03\x04 and more", "zip archive, as PyTorch saves"},
      {"\x80\x02\x8a\x0a and more", "old PyTorch file"},
      {"\x89HDF\r\n\x1a\n", "HDF5"},
      {"\x93NUMPY and more", "NumPy array"},
      {"version https://git-lfs.github.com/spec/v1", "git lfs pull"},
      {"<!DOCTYPE html>", "web page"},
      {"<html><body>", "web page"},
      {"short", "damaged or of another format"},
      {"", "truncated"},
  };
  suite.test("other formats are named with what to do", [](Check& check) {
    for (const Other& other : kOthers) {
      const std::string message = check.throws(Code::file_format, other.remedy,
                                               [&] { const io::SafetensorsReader reader(bytes_of(other.bytes), "f"); });
      check.that(contains(message, other.remedy), other.remedy, " is not in: ", message);
    }
  });
}

}  // namespace

void io_safetensors_bad(Suite& suite) {
  test_table(suite, "grammar", kGrammar);
  test_table(suite, "names, keys and types", kNames);
  test_table(suite, "numbers", kNumbers);
  test_table(suite, "offsets", kOffsets);
  test_lengths(suite);
  test_other_formats(suite);
}

}  // namespace gyrus::tests::suites
