// Pictures of Cheng's tumour set, written by h5py as MATLAB lays them out.
#include "imaging/figshare_file.h"

#include "tests/harness/suites.h"
#include "tests/io/hdf5_golden.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {

void imaging_figshare(Suite& suite) {
  suite.test("a picture comes upright, with its patient, label and mask", [](Check& check) {
    const imaging::FigshareImage image = imaging::read_figshare(hdf5_golden("figshare"));
    check.equal(image.label, 3, "label");
    check.equal(image.patient, "MR0402", "patient");
    check.equal(image.rows, std::int64_t{6}, "rows");
    check.equal(image.columns, std::int64_t{4}, "columns");
    for (std::size_t r = 0; r < 6; ++r) {
      for (std::size_t c = 0; c < 4; ++c) {
        check.equal(image.pixels[r * 4 + c], static_cast<float>(10 * r + c), text("pixel ", r, ", ", c));
        check.equal(static_cast<int>(image.mask[r * 4 + c]), r == 1 ? 1 : 0, text("mask ", r, ", ", c));
      }
    }
  });
  suite.test("folds of the pictures, by their numbers", [](Check& check) {
    const std::vector<std::int32_t> folds = imaging::read_figshare_folds(hdf5_golden("figshare_folds"));
    check.equal(folds.size(), std::size_t{32}, "pictures");
    for (std::size_t i = 0; i < folds.size(); ++i) {
      check.equal(folds[i], static_cast<std::int32_t>(i / 2 % 4 + 1), text("picture ", i + 1));
    }
    const auto read = [](const char* name) { return [name] { imaging::read_figshare_folds(hdf5_golden(name)); }; };
    check.throws(Code::file_format, "cvind holds 2.5", read("figshare_folds_half"));
    check.throws(Code::name, "cvind", read("figshare"));
  });
  suite.test("what is no picture of the set is refused by name", [](Check& check) {
    const auto read = [](const char* name) { return [name] { imaging::read_figshare(hdf5_golden(name)); }; };
    check.throws(Code::file_format, "cjdata/label is 4", read("figshare_label"));
    check.throws(Code::shape, "tumorMask", read("figshare_mask"));
    check.throws(Code::name, "label", read("matlab"));
    check.throws(Code::file_not_found, "missing", [] { imaging::read_figshare("/no/such/file.mat"); });
    const ScratchFolder folder;
    write_bytes(folder.path("empty.mat"), {});
    check.throws(Code::file_format, "empty", [&] { imaging::read_figshare(folder.path("empty.mat")); });
  });
}

}  // namespace gyrus::tests::suites
