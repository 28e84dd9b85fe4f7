// safetensors: what is read back is what was written, of every type, and stays an error when the file shrinks.
#include "io/safetensors.h"

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/memory_stats.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using io::SafetensorsReader;
using io::StoredTensor;

std::vector<float> read(const SafetensorsReader& reader, std::string_view name) {
  const StoredTensor* tensor = reader.find(name);
  GYRUS_CHECK(tensor != nullptr, Code::name, "no tensor ", name);
  std::vector<float> out(static_cast<std::size_t>(tensor->shape.elements()));
  reader.read_f32(*tensor, out);
  return out;
}

void test_round_trip(Suite& suite) {
  suite.test("what is written is read back", [](Check& check) {
    const ScratchFolder folder;
    const std::string path = folder.path("w.safetensors");
    const std::int64_t held = memory_stats().host_bytes;
    std::vector<float> conv(2 * 3 * 5 * 7);
    std::iota(conv.begin(), conv.end(), -50.5F);
    const std::vector<float> scalar{3}, odd{-0.0F, 1e-45F, 3e38F};
    const std::string strange = "a\"b\\c/\n\x01\xC3\xA9\xF0\x9F\x98\x80";
    const std::vector<io::TensorToWrite> tensors{{"z.conv", Shape{2, 3, 5, 7}, conv},
                                                 {"scalar", Shape{}, scalar},
                                                 {"empty", Shape{0, 4}, {}},
                                                 {strange, Shape{3}, odd}};
    const std::map<std::string, std::string> metadata{{"format", "pt"}, {"note", "line\nbreak \"quoted\""}};
    io::write_safetensors(path, tensors, metadata);
    const SafetensorsReader reader(path);
    check.equal(reader.tensors().size(), 4U, "tensors");
    check.that(reader.metadata() == metadata, "the metadata changed");
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      check.equal(reader.tensors()[i].name, tensors[i].name, "the order");
      check.equal(reader.tensors()[i].shape, tensors[i].shape, "shape");
      const std::vector<float> found = read(reader, tensors[i].name);
      check.that(found.empty() || std::memcmp(found.data(), tensors[i].data.data(), found.size() * 4) == 0, "data");
    }
    check.equal(reader.tensors()[0].offset % 8, 0, "alignment of the data");
    check.that(reader.find("Z.conv") == nullptr && reader.find("") == nullptr, "found a name that is not there");
    check.equal(memory_stats().host_bytes, held, "host bytes held");
  });
  suite.test("the header's length is a multiple of 8 whatever the names", [](Check& check) {
    const std::vector<float> data(1);
    for (std::size_t length = 1; length < 20; ++length) {
      const std::vector<io::TensorToWrite> tensors{{std::string(length, 'n'), Shape{1}, data}};
      const std::string prefix = io::safetensors_prefix(tensors, {});
      check.equal(prefix.size() % 8, 0U, "bytes");
      check.equal(prefix[8], '{', "the header's first byte");
      const std::string image = prefix + "1234";
      check.equal(SafetensorsReader(bytes_of(image), "memory").tensors().size(), 1U, "tensors");
    }
    const std::string none = io::safetensors_prefix({}, {});
    check.that(SafetensorsReader(bytes_of(none), "memory").tensors().empty(), "no tensors");
  });
}

void test_writing(Suite& suite) {
  suite.test("what cannot be written is refused before a file is made", [](Check& check) {
    const ScratchFolder folder;
    const std::vector<float> data(2);
    const auto write = [&](std::vector<io::TensorToWrite> tensors, std::map<std::string, std::string> metadata = {}) {
      return [&, tensors, metadata] { io::write_safetensors(folder.path("w"), tensors, metadata); };
    };
    check.throws(Code::name, "an empty name", write({{"", Shape{2}, data}}));
    check.throws(Code::name, "the metadata's name", write({{"__metadata__", Shape{2}, data}}));
    check.throws(Code::name, "not UTF-8", write({{"\xFF", Shape{2}, data}}));
    check.throws(Code::name, "one name twice",
                 write({{"a", Shape{2}, data}, {"b", Shape{2}, data}, {"a", Shape{2}, data}}));
    check.throws(Code::shape, "three elements of two", write({{"a", Shape{3}, data}}));
    check.throws(Code::invalid_argument, "metadata", write({{"a", Shape{2}, data}}, {{"key", "\x80"}}));
    check.equal(folder.entries(), 0U, "files");
  });
}

void test_reading(Suite& suite) {
  suite.test("every type, from a file and from memory", [](Check& check) {
    const ScratchFolder folder;
    const std::string image = safetensors_image(R"({"u8":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                                                R"("f16":{"dtype":"F16","shape":[1],"data_offsets":[3,5]},)"
                                                R"("i32":{"data_offsets":[5,9],"shape":[1,1],"dtype":"I32"},)"
                                                R"("bool":{"dtype":"BOOL","shape":[],"data_offsets":[9,10]}})",
                                                10);
    write_bytes(folder.path("f"), image);
    const SafetensorsReader disk(folder.path("f")), memory(bytes_of(image), "memory");
    for (const SafetensorsReader* reader : {&disk, &memory}) {
      check.that(read(*reader, "u8") == std::vector<float>({1, 2, 3}), "u8");
      check.that(read(*reader, "f16") == std::vector<float>({std::ldexp(1.0F + 0x104 / 1024.0F, -14)}), "f16");
      check.that(read(*reader, "i32") == std::vector<float>({static_cast<float>(0x09080706)}), "i32");
      check.that(read(*reader, "bool") == std::vector<float>({1}), "bool");
    }
    check.equal(disk.file(), folder.path("f"), "the file's name");
  });
  suite.test("escapes, spaces and surrogate pairs in names", [](Check& check) {
    const std::string image = safetensors_image(
        "{ \"\\u00e9\\uD83D\\ude00\\b\\f\\n\\r\\t\\\"\\\\\\/\\u0000\" :\t{\"dtype\" : \"U8\" , \"shape\" : [ 0 , 7 ] ,"
        "\"data_offsets\":[ 0 , 0 ] } }  \n ");
    const SafetensorsReader reader(bytes_of(image), "memory");
    const std::string expected = std::string("\xC3\xA9\xF0\x9F\x98\x80\b\f\n\r\t\"\\/") + '\0';
    if (check.equal(reader.tensors().size(), 1U, "tensors")) check.equal(reader.tensors()[0].name, expected, "name");
  });
  suite.test("tensors come in the order of their bytes", [](Check& check) {
    const std::string image = safetensors_image(
        R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
        R"("c":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
        3);
    const SafetensorsReader reader(bytes_of(image), "memory");
    std::string order;
    for (const StoredTensor& tensor : reader.tensors()) order += tensor.name;
    check.equal(order, "bca", "order");
    check.that(read(reader, "a") == std::vector<float>({3}), "the data of a");
  });
  suite.test("a destination of another size is refused", [](Check& check) {
    const std::string image = safetensors_image(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2);
    const SafetensorsReader reader(bytes_of(image), "memory");
    std::vector<float> out(3);
    check.throws(Code::shape, "3 for 2", [&] { reader.read_f32(reader.tensors()[0], out); });
  });
}

void test_faults(Suite& suite) {
  suite.test("a file truncated after it was opened is an error", [](Check& check) {
    const ScratchFolder folder;
    const std::vector<float> data(100'000, 1);
    const std::vector<io::TensorToWrite> tensors{{"a", Shape{50'000}, std::span(data).first(50'000)},
                                                 {"b", Shape{100'000}, data}};
    io::write_safetensors(folder.path("f"), tensors);
    const SafetensorsReader reader(folder.path("f"));
    check.equal(::truncate(folder.path("f").c_str(), 300'000), 0, "truncate");
    check.equal(read(reader, "a").size(), 50'000U, "the tensor that is still there");
    const std::string message = check.throws(Code::file_io, "the tensor that is not", [&] { read(reader, "b"); });
    check.that(contains(message, folder.path("f")) && contains(message, "300000"), message);
    check.throws(Code::file_format, "opening it anew", [&] { const SafetensorsReader again(folder.path("f")); });
  });
  suite.test("NaN is refused where finite weights are asked for", [](Check& check) {
    const ScratchFolder folder;
    const std::vector<float> data{1, 2, NAN};
    const std::vector<io::TensorToWrite> tensors{{"bn1.running_var", Shape{3}, data}};
    io::write_safetensors(folder.path("f"), tensors);
    const SafetensorsReader reader(folder.path("f"));
    check.that(std::isnan(read(reader, "bn1.running_var")[2]), "a plain read gives it as it is");
    std::vector<float> out(3);
    const std::string message =
        check.throws(Code::non_finite, "a checked read", [&] { reader.read_finite_f32(reader.tensors()[0], out); });
    check.that(contains(message, "\"bn1.running_var\"") && contains(message, "element 2"), message);
  });
  suite.test("no file", [](Check& check) {
    const ScratchFolder folder;
    check.throws(Code::file_not_found, "missing", [&] { const SafetensorsReader reader(folder.path("none")); });
  });
}

}  // namespace

void io_safetensors(Suite& suite) {
  test_round_trip(suite);
  test_writing(suite);
  test_reading(suite);
  test_faults(suite);
}

}  // namespace gyrus::tests::suites
