// HDF5 files that are refused: what is not supported, what is asked for wrongly, and every kind of damage.
#include <unistd.h>

#include <string>
#include <vector>

#include "io/hdf5_file.h"
#include "tests/harness/suites.h"
#include "tests/io/hdf5_golden.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using io::Hdf5Dataset;
using io::Hdf5File;

struct Refusal {
  std::string file, path;
  Code code;
  std::string_view message;
};

void check_refusals(Check& check, const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    const Hdf5File file(hdf5_golden(refusal.file));
    const std::string message = check.throws(refusal.code, refusal.path, [&] {
      const Hdf5Dataset dataset = file.find(refusal.path);
      std::vector<float> out(static_cast<std::size_t>(dataset.shape().elements()));
      dataset.read_f32(0, dataset.rows(), out);
    });
    check.that(contains(message, refusal.message), "message of ", refusal.path, ": ", message);
    check.that(contains(message, refusal.file + ".h5: /"), "the file's name in: ", message);
  }
}

void test_unsupported(Suite& suite) {
  suite.test("what is not supported says so", [](Check& check) {
    check_refusals(check, {
                              {"strangers", "soft", Code::file_format, "\"soft\" is a soft link"},
                              {"strangers", "outside", Code::file_format, "\"outside\" is a link out of the file"},
                              {"strangers", "lzf", Code::file_format, "filter 32000 (\"lzf\")"},
                              {"strangers", "elsewhere", Code::file_format, "external storage"},
                              {"strangers", "virtual", Code::file_format, "virtual dataset"},
                              {"strangers", "types/array_type", Code::dtype, "class 10"},
                              {"strangers", "types/named", Code::file_format, "no dataspace"},
                              {"strangers", "types/of_named", Code::file_format, "committed datatype"},
                              {"chunk_indexes", "extensible", Code::file_format, "extensible array"},
                              {"chunk_indexes", "tree_2", Code::file_format, "v2 B-tree"},
                              {"dense", "group/g1", Code::file_format, "fractal heap"},
                              {"shapes_latest", "six_axes", Code::shape, "6 axes"},
                              {"shapes_earliest", "six_fields", Code::dtype, "compound of 6 members"},
                              {"shapes_latest", "two_fields", Code::dtype, "2 members, \"x\" and \"y\""},
                              {"texts_earliest", "fixed", Code::dtype, "text of 3 bytes"},
                          });
    check.throws(Code::file_format, "a dense attribute",
                 [] { Hdf5File(hdf5_golden("dense")).number_attribute("/", "attribute1"); });
  });
  suite.test("what is not there is named with what is", [](Check& check) {
    check_refusals(check, {
                              {"fastmri", "nothing", Code::name, "\"ismrmrd_header\", \"kspace\""},
                              {"matlab", "cjdata", Code::name, "is a group, a dataset was expected"},
                              {"matlab", "cjdata/image/x", Code::name, "it is a dataset"},
                              {"many_links", "group/x", Code::name, "and 13 more"},
                          });
    check.throws(Code::name, "children of a dataset", [] { Hdf5File(hdf5_golden("fastmri")).children("kspace"); });
    check.throws(Code::file_not_found, "no file", [] { const Hdf5File file(hdf5_golden("nothing")); });
  });
  suite.test("wrong questions", [](Check& check) {
    const Hdf5File file(hdf5_golden("texts_earliest"));
    check.throws(Code::shape, "two texts", [&] { file.find("two").read_text(); });
    check.throws(Code::dtype, "a number of a text", [&] { file.number_attribute("/", "fixed"); });
    check.throws(Code::dtype, "a text of a number", [&] { file.text_attribute("/", "f8"); });
    check.throws(Code::name, "an attribute of nothing", [&] { file.text_attribute("/nothing", "f8"); });
    check.throws(Code::shape, "an attribute of two",
                 [] { Hdf5File(hdf5_golden("attributes_earliest")).number_attribute("/", "pair"); });
    const Hdf5Dataset dataset = Hdf5File(hdf5_golden("chunked_latest")).find("all");
    check.throws(Code::dtype, "a text of numbers", [&] { dataset.read_text(); });
    std::vector<float> row(18);
    for (const std::int64_t first : {std::int64_t{-1}, std::int64_t{5}, std::int64_t{6}, INT64_MAX}) {
      check.throws(Code::invalid_argument, "a row that is not there", [&] { dataset.read_f32(first, 1, row); });
    }
    check.throws(Code::invalid_argument, "rows beyond the end", [&] { dataset.read_f32(1, INT64_MAX, row); });
    check.throws(Code::shape, "too much memory", [&] { dataset.read_f32(0, 2, row); });
  });
}

// Everything that can be asked of a file, as far as its damage lets it.
void read_everything(const std::string& bytes, const std::string& path, int depth = 0) {
  const Hdf5File file(bytes_of(bytes), "damaged");
  for (const std::string& name : file.children(path)) {
    const std::string child = text(path, "/", name);
    try {
      const Hdf5Dataset dataset = file.find(child);
      if (dataset.shape().elements() > 4096 || !dataset.type().is_number()) continue;
      std::vector<float> out(static_cast<std::size_t>(dataset.shape().elements() * dataset.type().parts()));
      dataset.read_f32(0, dataset.rows(), out);
    } catch (const Error& error) {
      if (error.code() == Code::internal) throw;
      if (error.code() == Code::name && depth < 2) read_everything(bytes, child, depth + 1);
    }
  }
}

bool is_expected(Code code) {
  return code == Code::file_format || code == Code::dtype || code == Code::shape || code == Code::name;
}

void test_damage(Suite& suite) {
  suite.test("a truncated file is refused, wherever it ends", [](Check& check) {
    for (const char* const name : {"chunked_latest", "matlab", "fastmri"}) {
      const std::string whole = read_bytes(hdf5_golden(name));
      for (std::size_t size = 0; size < whole.size(); size += 61) {
        const std::string part = whole.substr(0, size);
        check.throws(Code::file_format, text(name, " of ", size, " bytes"),
                     [&] { const Hdf5File file(bytes_of(part), "part"); });
      }
    }
  });
  suite.test("any damaged byte gives a typed error or other values, never a crash", [](Check& check) {
    for (const std::string name : {"chunked_latest", "chunk_indexes", "chunked_earliest", "matlab", "many_links"}) {
      const std::string whole = read_bytes(hdf5_golden(name));
      for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ (at % 2 == 0 ? 0x81 : 0xff));
        try {
          read_everything(damaged, "");
        } catch (const Error& error) {
          if (!check.that(is_expected(error.code()), name, " with byte ", at, ": ", error.message())) return;
        }
      }
      check.that(true, "all of ", name);
    }
  });
  suite.test("checksums find a changed byte", [](Check& check) {
    std::string bytes = read_bytes(hdf5_golden("chunked_latest"));
    const std::size_t header = bytes.find("OHDR");
    bytes[header + 30] = static_cast<char>(bytes[header + 30] ^ 1);
    const std::string message =
        check.throws(Code::file_format, "header", [&] { Hdf5File(bytes_of(bytes), "changed").children(); });
    check.that(contains(message, "an object header has the checksum"), message);
    // The data of `odd`, 15 bytes and their Fletcher-32, begin with the formula's first values 11, 48, 85.
    bytes = read_bytes(hdf5_golden("chunked_latest"));
    bytes[bytes.find("\x0b\x30\x55\x15") + 1] = '\x31';
    std::vector<float> out(15);
    const std::string chunk = check.throws(
        Code::file_format, "chunk", [&] { Hdf5File(bytes_of(bytes), "changed").find("odd").read_f32(0, 5, out); });
    check.that(contains(chunk, "changed: /odd: a chunk has the Fletcher-32 checksum"), chunk);
  });
  suite.test("a file truncated after it was opened is an error", [](Check& check) {
    const ScratchFolder folder;
    write_bytes(folder.path("x.h5"), read_bytes(hdf5_golden("fastmri")));
    const Hdf5Dataset dataset = Hdf5File(folder.path("x.h5")).find("kspace");
    check.equal(::truncate(folder.path("x.h5").c_str(), 1000), 0, "truncate");
    std::vector<float> out(144);
    const std::string message = check.throws(Code::file_io, "reading on", [&] { dataset.read_f32(1, 1, out); });
    check.that(contains(message, "x.h5"), message);
  });
}

}  // namespace

void io_hdf5_bad(Suite& suite) {
  test_unsupported(suite);
  test_damage(suite);
}

}  // namespace gyrus::tests::suites
