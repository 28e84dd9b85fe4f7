// HDF5: values of every type, layout, chunk index, filter and kind of attribute, against the formula that h5py's files
// were made with.
#include "io/hdf5_file.h"

#include <string>
#include <thread>
#include <vector>

#include "core/memory_stats.h"
#include "io/hdf5/checksums.h"
#include "tests/harness/suites.h"
#include "tests/io/hdf5_golden.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using io::Hdf5Dataset;
using io::Hdf5File;

std::vector<float> read_rows(const Hdf5Dataset& dataset, std::int64_t first, std::int64_t count) {
  const std::int64_t floats = count * dataset.row_elements() * dataset.type().parts();
  std::vector<float> out(static_cast<std::size_t>(floats), -1234.0F);
  dataset.read_f32(first, count, out);
  return out;
}

std::vector<float> read_all(const Hdf5Dataset& dataset) { return read_rows(dataset, 0, dataset.rows()); }

// The whole array, each row alone, and the rows without the first and last must follow the formula.
void check_array(Check& check, const Hdf5Dataset& dataset, const Shape& shape, bool is_signed = true) {
  if (!check.equal(dataset.shape(), shape, dataset.where())) return;
  check.that(dataset.is_whole(), dataset.where(), " is not whole");
  const auto expected = [&](std::int64_t first, std::int64_t count) {
    const std::int64_t row = dataset.row_elements();
    return dataset.type().parts() == 2 ? golden_complex(first * row, count * row)
                                       : golden_reals(first * row, count * row, is_signed);
  };
  const std::int64_t rows = dataset.rows();
  check.that(read_all(dataset) == expected(0, rows), "all of ", dataset.where());
  for (std::int64_t row = 0; row < rows; ++row) {
    check.that(read_rows(dataset, row, 1) == expected(row, 1), "row ", row, " of ", dataset.where());
  }
  if (rows > 2) check.that(read_rows(dataset, 1, rows - 2) == expected(1, rows - 2), "inside of ", dataset.where());
  check.that(read_rows(dataset, rows, 0).empty(), "no rows of ", dataset.where());
}

void test_types(Suite& suite) {
  suite.test("numbers of every size, of both byte orders", [](Check& check) {
    for (const char* const name : {"types_earliest", "types_latest"}) {
      const Hdf5File file(hdf5_golden(name));
      for (const std::string kind : {"f2", "f4", "f8", "c8", "c16"}) {
        check_array(check, file.find("floats/" + kind), Shape{2, 3});
      }
      for (const std::string kind : {"i2", "u2", "i4", "u4", "i8", "u8"}) {
        check_array(check, file.find("/integers/" + kind + "/"), Shape{2, 3}, kind[0] == 'i');
      }
    }
    check.that(Hdf5File(hdf5_golden("types_earliest")).children() == std::vector<std::string>({"floats", "integers"}),
               "groups");
    check_array(check, Hdf5File(hdf5_golden("types_latest")).find("complex"), Shape{2, 3});
    check.equal(Hdf5File(hdf5_golden("types_latest")).find("floats/c16").type().name, "complex big-endian f64", "name");
    check.equal(Hdf5File(hdf5_golden("types_earliest")).find("integers/u2").type().name, "big-endian u16", "name");
  });
  suite.test("single bytes, enums and booleans", [](Check& check) {
    const Hdf5File file(hdf5_golden("bytes_earliest"));
    check_array(check, file.find("i1"), Shape{2, 3});
    check_array(check, file.find("u1"), Shape{2, 3}, false);
    check_array(check, file.find("enum"), Shape{2, 3}, false);
    check.that(read_all(file.find("bool")) == std::vector<float>({1, 0, 0, 1, 0, 0}), "booleans");
  });
  suite.test("scalars, arrays without elements, compact data", [](Check& check) {
    for (const char* const name : {"shapes_earliest", "shapes_latest"}) {
      const Hdf5File file(hdf5_golden(name));
      check.equal(file.find("scalar").shape(), Shape{}, "a scalar's shape");
      check.that(read_all(file.find("scalar")) == std::vector<float>({golden_number(0)}), "the scalar of ", name);
      check.equal(file.find("null").shape(), Shape{0}, "shape of nothing");
      check.equal(file.find("none").shape(), (Shape{0, 3}), "no rows");
      check.that(read_all(file.find("none")).empty(), "no rows of ", name);
      check.that(read_rows(file.find("no_columns"), 1, 2).empty(), "no columns of ", name);
      check_array(check, file.find("compact"), Shape{2, 3});
    }
  });
  suite.test("raw bytes are those of the file", [](Check& check) {
    const Hdf5Dataset dataset = Hdf5File(hdf5_golden("types_earliest")).find("integers/i2");
    std::vector<std::byte> raw(6);
    dataset.read_bytes(1, 1, raw);
    for (std::size_t i = 0; i < 3; ++i) {
      const int high = std::to_integer<int>(raw[2 * i]), low = std::to_integer<int>(raw[2 * i + 1]);
      const auto value = static_cast<std::int16_t>(static_cast<std::uint16_t>(high << 8 | low));
      check.equal(static_cast<float>(value), golden_number(3 + static_cast<std::int64_t>(i)), "big-endian element");
    }
  });
}

void test_chunks(Suite& suite) {
  suite.test("chunks that no edge fits, through every filter", [](Check& check) {
    for (const char* const name : {"chunked_earliest", "chunked_latest"}) {
      const Hdf5File file(hdf5_golden(name));
      for (const char* const path : {"plain", "gzip", "all"}) check_array(check, file.find(path), Shape{5, 3, 6});
      check_array(check, file.find("odd"), Shape{5, 3}, false);
      check_array(check, file.find("big"), Shape{3, 9}, false);
    }
    check_array(check, Hdf5File(hdf5_golden("cut_edges")).find("edges"), Shape{5, 4});
  });
  suite.test("indexes: one chunk, implicit, fixed array, a B-tree of several levels", [](Check& check) {
    const Hdf5File file(hdf5_golden("chunk_indexes"));
    for (const char* const path : {"single", "single_gzip", "fixed", "fixed_gzip", "implicit"}) {
      check_array(check, file.find(path), Shape{6, 5});
    }
    check_array(check, Hdf5File(hdf5_golden("many")).find("chunks"), Shape{35}, false);
  });
  suite.test("what was never written has the fill value", [](Check& check) {
    for (const char* const name : {"holes", "holes_latest"}) {
      const Hdf5File file(hdf5_golden(name));
      check.that(!file.find("contiguous").is_whole(), "whole");
      check.that(read_all(file.find("contiguous")) == std::vector<float>(6, 7.0F), "7 in ", name);
      check.that(read_all(file.find("zeros")) == std::vector<float>(6, 0.0F), "0 in ", name);
      check.that(read_all(file.find("complex")) == std::vector<float>({1, 2, 1, 2}), "1+2j in ", name);
      const Hdf5Dataset chunks = file.find("chunks");
      check.that(!chunks.is_whole(), "whole");
      std::vector<float> expected(20, -3.0F);
      for (std::size_t row = 0; row < 2; ++row) {
        for (std::size_t column = 0; column < 3; ++column) {
          expected[row * 4 + column] = golden_number(static_cast<std::int64_t>(row * 3 + column));
        }
      }
      check.that(read_all(chunks) == expected, "chunks of ", name);
      std::vector<std::byte> raw(8);
      chunks.read_bytes(4, 1, raw);
      check.that(raw[0] == std::byte{0xfd} && raw[7] == std::byte{0xff}, "the raw fill value");
      // Eight PiB that nobody wrote: asking for a row costs a row.
      const Hdf5Dataset vast = file.find("vast");
      check.equal(vast.shape(), (Shape{1 << 30, 1 << 20}), "shape");
      check.that(read_rows(vast, (1 << 30) - 1, 1) == std::vector<float>(1 << 20, 0.5F), "a row of the vast array");
    }
  });
}

void test_groups(Suite& suite) {
  suite.test("a group of many links, and the way through them", [](Check& check) {
    const Hdf5File file(hdf5_golden("many_links"));
    const std::vector<std::string> names = file.children("group");
    check.equal(names.size(), 25U, "links");
    check.that(!names.empty() && names.front() == "link00" && names.back() == "the_dataset", "their order");
    // The links lead back to the root, so paths may go round.
    check.that(read_all(file.find("/group/link07//group/link23/group/the_dataset")) == golden_reals(0, 1), "the value");
    check.that(file.has("group/link11") && !file.has("group/link99") && !file.has("group/the_dataset/x"), "has");
  });
  suite.test("a user block, and MATLAB's complex numbers", [](Check& check) {
    for (const char* const name : {"matlab", "user_block_latest"}) {
      const Hdf5File file(hdf5_golden(name));
      check_array(check, file.find("cjdata/image"), Shape{8, 6});
      check_array(check, file.find("cjdata/field"), Shape{3});
      check.that(file.text_attribute("cjdata/image", "MATLAB_class") == "int16", "class");
      std::string patient;
      for (const float code : read_all(file.find("cjdata/PID"))) patient += static_cast<char>(code);
      check.equal(patient, "100360", "patient");
    }
  });
}

void test_text(Suite& suite) {
  suite.test("texts and attributes", [](Check& check) {
    const Hdf5File file(hdf5_golden("texts_earliest"));
    check.equal(file.find("variable").read_text(), "Grüße", "variable length");
    check.equal(file.find("fixed").read_text(), "abc", "fixed length");
    check.equal(file.find("one").read_text(), "in an array", "an array of one");
    check.equal(file.find("empty").read_text(), "", "empty");
    check.that(file.text_attribute("/", "variable") == "AXT2", "variable length");
    check.that(file.text_attribute("", "fixed") == "AXFLAIR", "fixed length");
    check.that(file.number_attribute("/", "f8") == 0.125 && file.number_attribute("/", "f4") == 0.5, "floats");
    check.that(file.number_attribute("/", "i8") == static_cast<double>((1LL << 40) + 1), "an integer beyond f32");
    check.that(!file.number_attribute("/", "none") && !file.text_attribute("/", "none"), "absent");
  });
  suite.test("attributes in continuation blocks", [](Check& check) {
    for (const char* const name : {"attributes_earliest", "attributes_v108"}) {
      const Hdf5File file(hdf5_golden(name));
      for (std::int64_t i = 0; i < 8; ++i) {
        const std::string attribute = "attribute" + std::to_string(i);
        check.that(file.number_attribute("x", attribute) == golden_number(i), attribute, " of x in ", name);
      }
    }
    const Hdf5File file(hdf5_golden("attributes_earliest"));
    check.that(file.number_attribute("/", "attribute7") == golden_number(7), "a big-endian attribute");
  });
}

void test_behaviour(Suite& suite) {
  suite.test("checksums", [](Check& check) {
    // Published values: driver5 of lookup3.c, and the Fletcher-32 of "abcdef" in big-endian words.
    check.equal(io::hdf5::lookup3({}), 0xdeadbeefU, "of nothing");
    check.equal(io::hdf5::lookup3(bytes_of("Four score and seven years ago")), 0x17770551U, "of Lincoln's words");
    const std::string words = "badcfe";
    check.equal(io::hdf5::fletcher32(bytes_of(words)), 0x56502d2aU, "of abcdef");
  });
  suite.test("a dataset outlives its file, and threads share it", [](Check& check) {
    const std::int64_t held = memory_stats().host_bytes;
    const Hdf5Dataset dataset = Hdf5File(hdf5_golden("chunked_earliest")).find("all");
    std::vector<std::vector<float>> found(4);
    {
      std::vector<std::jthread> threads;
      threads.reserve(found.size());
      for (std::vector<float>& each : found) threads.emplace_back([&] { each = read_all(dataset); });
    }
    for (const std::vector<float>& each : found) check.that(each == golden_reals(0, 90), "what a thread read");
    check.equal(memory_stats().host_bytes, held, "host bytes held");
  });
  suite.test("memory in place of a path", [](Check& check) {
    const std::string bytes = read_bytes(hdf5_golden("chunked_latest"));
    const Hdf5File file(bytes_of(bytes), "memory");
    check_array(check, file.find("all"), Shape{5, 3, 6});
    check.equal(file.find("all").where(), "memory: /all", "where");
  });
}

}  // namespace

void io_hdf5(Suite& suite) {
  test_types(suite);
  test_chunks(suite);
  test_groups(suite);
  test_text(suite);
  test_behaviour(suite);
}

}  // namespace gyrus::tests::suites
