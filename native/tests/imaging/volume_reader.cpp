// Volumes from every kind of file, one after another through one reader: which way up slices come out, labels, and that
// a file which cannot be read leaves no volume behind.
#include "imaging/volume_reader.h"

#include <numeric>
#include <string>
#include <vector>

#include "imaging/fastmri_file.h"
#include "imaging/plane.h"
#include "imaging/slice_extractor.h"
#include "io/npy.h"
#include "io/sha256.h"
#include "tests/harness/suites.h"
#include "tests/imaging/nifti_image.h"
#include "tests/io/hdf5_golden.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using imaging::Plane;
using imaging::Volume;
using imaging::VolumeReader;

// The stored element in each corner of a slice as it is looked at: top left, top right, bottom left, bottom right.
std::vector<float> corners(const Volume& volume, std::int64_t index) {
  const imaging::SliceView view = imaging::slice_view(volume, Plane::axial, index);
  const auto* const data = static_cast<const float*>(volume.voxels.data) + view.start;
  const std::int64_t down = (view.rows - 1) * view.row_step, right = (view.columns - 1) * view.column_step;
  return {data[0], data[right], data[down], data[down + right]};
}

std::vector<float> counting(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

void write_nifti(const std::string& path) {
  NiftiImage image(1, false);
  image.set_codes(0, 1);
  image.set_sform({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0});
  image.set_type(16);
  image.set_extents<3>({3, 2, 2});
  for (const float x : counting(12)) image.append(x);
  write_bytes(path, image.bytes());
}

void test_kinds(Suite& suite) {
  suite.test("stacks and single images in .npy, whose first row is the top", [](Check& check) {
    const ScratchFolder folder;
    io::write_npy(folder.path("stack.npy"), Shape{4, 2, 3}, counting(24));
    io::write_npy(folder.path("image.npy"), Shape{2, 3}, counting(6));
    VolumeReader reader;
    reader.open_npy(folder.path("stack.npy"));
    check.that(reader.volume().extents() == imaging::Extents3({3, 2, 4}), "extents");
    check.that(corners(reader.volume(), 2) == std::vector<float>({12, 14, 15, 17}), "the third image");
    const std::vector<float> values = counting(24);
    check.equal(reader.volume().sha256, io::sha256_hex(std::as_bytes(std::span(values))), "hash");
    reader.open_npy(folder.path("image.npy"));
    check.that(reader.volume().extents() == imaging::Extents3({3, 2, 1}), "one image");
    check.that(corners(reader.volume(), 0) == std::vector<float>({0, 2, 3, 5}), "its corners");
  });
  suite.test("an image that was decoded elsewhere", [](Check& check) {
    VolumeReader reader;
    const std::vector<float> pixels = counting(6);
    reader.open_image(pixels, 2, 3, "abc");
    check.that(corners(reader.volume(), 0) == std::vector<float>({0, 2, 3, 5}), "corners");
    check.equal(reader.volume().sha256, "abc", "hash");
    check.throws(Code::shape, "too few pixels", [&] { reader.open_image(pixels, 2, 4, ""); });
    check.throws(Code::shape, "no rows", [&] { reader.open_image({}, 0, 3, ""); });
    check.throws(Code::invalid_argument, "nothing is open", [&] { reader.volume(); });
  });
  suite.test("fastMRI, whose first row is the bottom, with its labels", [](Check& check) {
    VolumeReader reader;
    reader.open_fastmri(hdf5_golden("fastmri"));
    check.that(reader.volume().extents() == imaging::Extents3({4, 4, 2}), "extents");
    const std::vector<float> values = golden_reals(16, 16);
    check.that(corners(reader.volume(), 1) == std::vector<float>({values[12], values[15], values[0], values[3]}),
               "corners of the second image");
    check.that(reader.labels().acquisition == "AXT2" && reader.labels().patient_id == "0123abcd", "labels");
  });
  suite.test("fastMRI with attributes of another type that nobody asks for", [](Check& check) {
    const ScratchFolder folder;
    std::string bytes = read_bytes(hdf5_golden("fastmri"));
    for (const std::string name : {"max", "norm"}) {
      // The datatype follows the name: version 1, class 1, a real number; 4 is a field of bits.
      const std::size_t at = bytes.find('\x11', bytes.find(std::string("\0", 1) + name + '\0'));
      bytes[at] = '\x14';
    }
    write_bytes(folder.path("v.h5"), bytes);
    const imaging::FastmriFile file(folder.path("v.h5"));
    check.throws(Code::dtype, "what is asked for must be right", [&] { file.attributes(); });
    VolumeReader reader;
    reader.open_fastmri(folder.path("v.h5"));
    check.that(reader.labels().acquisition == "AXT2" && reader.labels().patient_id == "0123abcd", "labels");
    check.that(reader.volume().extents() == imaging::Extents3({4, 4, 2}), "extents");
  });
  suite.test("NIfTI, after which no label of another file is left", [](Check& check) {
    const ScratchFolder folder;
    write_nifti(folder.path("v.nii"));
    VolumeReader reader;
    reader.open_fastmri(hdf5_golden("fastmri"));
    reader.open_nifti(folder.path("v.nii"), 0);
    check.that(corners(reader.volume(), 1) == std::vector<float>({9, 11, 6, 8}), "anterior is up");
    check.that(reader.labels().acquisition.empty() && reader.labels().patient_id.empty(), "labels");
  });
}

void test_refusals(Suite& suite) {
  suite.test("what cannot be read leaves no volume, and the next file is read", [](Check& check) {
    const ScratchFolder folder;
    write_nifti(folder.path("v.nii"));
    io::write_npy(folder.path("line.npy"), Shape{6}, counting(6));
    io::write_npy(folder.path("none.npy"), Shape{0, 2, 3}, {});
    const std::string whole = read_bytes(folder.path("v.nii"));
    write_bytes(folder.path("short.nii"), whole.substr(0, whole.size() - 1));
    VolumeReader reader;
    const auto refused = [&](Code code, std::string_view what, const std::function<void()>& open) {
      reader.open_nifti(folder.path("v.nii"), 0);
      check.throws(code, what, open);
      check.throws(Code::invalid_argument, "nothing is open", [&] { reader.volume(); });
    };
    refused(Code::shape, "one axis", [&] { reader.open_npy(folder.path("line.npy")); });
    refused(Code::shape, "no pixel", [&] { reader.open_npy(folder.path("none.npy")); });
    refused(Code::file_format, "truncated", [&] { reader.open_nifti(folder.path("short.nii"), 0); });
    refused(Code::file_not_found, "missing", [&] { reader.open_npy(folder.path("absent.npy")); });
    refused(Code::name, "no images", [&] { reader.open_fastmri(hdf5_golden("fastmri_test")); });
    refused(Code::file_format, "no HDF5", [&] { reader.open_fastmri(folder.path("v.nii")); });
  });
}

}  // namespace

void imaging_volume_reader(Suite& suite) {
  test_kinds(suite);
  test_refusals(suite);
}

}  // namespace gyrus::tests::suites
