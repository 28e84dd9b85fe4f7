// NIfTI: every element type, byte order and version; scaling, frames, pairs, where the affine comes from; headers that
// lie.
#include "imaging/nifti_file.h"

#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/memory_stats.h"
#include "imaging/wide_real.h"
#include "tests/harness/suites.h"
#include "tests/imaging/nifti_image.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using imaging::NiftiReader;
using imaging::Volume;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Without an affine of its own x runs left, so the canonical volume is read backwards along it: an sform avoids that.
void set_identity(NiftiImage& image) {
  image.set_codes(0, 1);
  image.set_sform({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0});
}

std::vector<float> values_of(const Volume& volume) {
  std::vector<float> values(static_cast<std::size_t>(volume.voxels.count()));
  imaging::read_canonical(volume, values);
  return values;
}

std::vector<float> read(const NiftiImage& image, std::int64_t frame = 0) {
  NiftiReader reader;
  const io::InputFile file(bytes_of(image.bytes()), "v.nii");
  return values_of(reader.read_single(file, frame));
}

template <class T>
void check_type(Check& check, std::int16_t code, const std::vector<T>& elements, std::string_view name) {
  for (const int version : {1, 2}) {
    for (const bool is_swapped : {false, true}) {
      NiftiImage image(version, is_swapped);
      set_identity(image);
      image.set_type(code);
      image.set_extents<3>({static_cast<std::int64_t>(elements.size()), 1, 1});
      for (const T element : elements) image.append(element);
      const std::vector<float> plain = read(image);
      image.set_scaling(0.5, -3);
      const std::vector<float> scaled = read(image);
      for (std::size_t i = 0; i < elements.size(); ++i) {
        const auto value = static_cast<double>(elements[i]);
        check.that(plain[i] == static_cast<float>(value), name, " of version ", version, ": ", plain[i]);
        check.that(scaled[i] == static_cast<float>(value * 0.5 - 3), name, " scaled: ", scaled[i]);
      }
    }
  }
}

template <class T>
std::vector<T> extremes() {
  return {std::numeric_limits<T>::lowest(), T{0}, T{1}, T{77}, std::numeric_limits<T>::max()};
}

__extension__ using Binary128 = __float128;

imaging::WideReal binary128(double x) {
  const auto value = static_cast<Binary128>(x);
  imaging::WideReal bytes;
  std::memcpy(bytes.data(), &value, sizeof bytes);
  return bytes;
}

// As x86's programs write it; what lies in the last six bytes is nobody's.
imaging::WideReal extended(double x) {
  const auto value = static_cast<long double>(x);
  imaging::WideReal bytes;
  bytes.fill(std::byte{0xa5});
  std::memcpy(bytes.data(), &value, 10);
  return bytes;
}

void test_wide_reals(Suite& suite) {
  const std::vector<double> numbers = {-1.5, 0, 0.1, 3e38, -1e-30, 1e300, kInf, -7, 1.0 / 3, 1e-320};
  const auto check_form = [numbers](Check& check, auto to_bytes, std::string_view name) {
    for (const bool is_swapped : {false, true}) {
      NiftiImage image(1, is_swapped);
      set_identity(image);
      image.set_type(1536);
      image.set_extents<3>({static_cast<std::int64_t>(numbers.size()), 1, 1});
      for (const double number : numbers) image.append(to_bytes(number));
      const std::vector<float> found = read(image);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        check.that(found[i] == static_cast<float>(numbers[i]), name, ": ", found[i], " for ", numbers[i]);
      }
      NiftiImage pair(2, is_swapped);
      set_identity(pair);
      pair.set_type(2048);
      pair.set_extents<3>({2, 1, 1});
      for (const double part : {3.0, -4.0, 0.0, 2.1}) pair.append(to_bytes(part));
      check.that(read(pair) == std::vector<float>({5, 2.1F}), name, ": complex256");
    }
  };
  suite.test("reals of 16 bytes as IEEE has them", [check_form](Check& check) {
    check_form(check, binary128, "binary128");
    const auto of = [](double x) { return imaging::from_binary128(binary128(x)); };
    check.that(std::isnan(of(kNan)) && of(-kInf) == -kInf && of(0.1) == 0.1 && of(-1e-300) == -1e-300, "alone");
    std::vector<imaging::WideReal> whole = {binary128(1), binary128(-2), binary128(0)};
    check.that(!imaging::are_extended(std::as_bytes(std::span(whole))), "whole numbers, the end of them zeros");
  });
  suite.test("reals of 16 bytes as x86 has them, whatever fills them up", [check_form](Check& check) {
    check_form(check, extended, "extended");
    const auto of = [](double x) { return imaging::from_extended(extended(x)); };
    check.that(std::isnan(of(kNan)) && of(-kInf) == -kInf && of(0.1) == 0.1 && of(-1e-300) == -1e-300, "alone");
    const std::vector<imaging::WideReal> zeros(3);
    check.that(imaging::are_extended(std::as_bytes(std::span(zeros))), "zeros are zeros in both");
  });
}

void test_types(Suite& suite) {
  suite.test("every type of number in both byte orders and versions", [](Check& check) {
    check_type(check, 2, extremes<std::uint8_t>(), "u8");
    check_type(check, 256, extremes<std::int8_t>(), "i8");
    check_type(check, 4, extremes<std::int16_t>(), "i16");
    check_type(check, 512, extremes<std::uint16_t>(), "u16");
    check_type(check, 8, extremes<std::int32_t>(), "i32");
    check_type(check, 768, extremes<std::uint32_t>(), "u32");
    check_type(check, 1024, extremes<std::int64_t>(), "i64");
    check_type(check, 1280, extremes<std::uint64_t>(), "u64");
    check_type(check, 16, std::vector<float>{-1.5F, 0, 3e38F, 1e-42F}, "f32");
    check_type(check, 64, std::vector<double>{-1.5, 0, 1e300, 0.1}, "f64");
  });
  suite.test("complex numbers become their magnitude", [](Check& check) {
    for (const bool is_swapped : {false, true}) {
      NiftiImage image(1, is_swapped);
      set_identity(image);
      image.set_extents<3>({2, 1, 1});
      image.set_type(32);
      for (const float part : {3.0F, -4.0F, 0.0F, 2.0F}) image.append(part);
      check.that(read(image) == std::vector<float>({5, 2}), "complex64");
    }
  });
  suite.test("colours and bits are refused", [](Check& check) {
    for (const std::int16_t code : std::initializer_list<std::int16_t>{0, 1, 128, 2304, 3}) {
      NiftiImage image(1, false);
      image.set_extents<3>({1, 1, 1});
      image.set_type(code);
      const std::string message = check.throws(Code::dtype, "a type", [&] { read(image); });
      check.that(contains(message, "v.nii") && contains(message, text(code)), message);
    }
  });
  suite.test("a slope that says nothing is one", [](Check& check) {
    for (const double slope : {0.0, kNan, kInf, -kInf}) {
      NiftiImage image(1, false);
      set_identity(image);
      image.set_type(4);
      image.set_extents<3>({1, 1, 1});
      image.append<std::int16_t>(-9);
      image.set_scaling(slope, 5);
      check.that(read(image) == std::vector<float>({-9}), "slope ", slope);
      image.set_scaling(2, slope == 0 ? kNan : slope);
      check.throws(Code::file_format, "an intercept that is no number", [&] { read(image); });
    }
  });
}

// 2 x 3 x 2 voxels 0, 1, 2, ... and more frames behind them.
NiftiImage counting(int version, std::int64_t frames) {
  NiftiImage image(version, false);
  image.set_type(512);
  image.set_extents<4>({2, 3, 2, frames});
  for (std::int64_t i = 0; i < 12 * frames; ++i) image.append(static_cast<std::uint16_t>(i));
  return image;
}

void test_flat(Suite& suite) {
  suite.test("an axis that a volume does not have has no size either", [](Check& check) {
    NiftiImage image = counting(1, 1);
    for (const std::size_t axis : {1, 2, 3}) image.set_voxel_size(axis, 3);
    image.set_dim(0, 2);
    NiftiReader reader;
    const io::InputFile file(bytes_of(image.bytes()), "v.nii");
    const Volume volume = reader.read_single(file, 0);
    check.that(volume.affine[0][0] == 3 && volume.affine[1][1] == 3 && volume.affine[2][2] == 1, "two axes");
  });
}

void test_layout(Suite& suite) {
  suite.test("frames", [](Check& check) {
    NiftiImage image = counting(2, 3);
    set_identity(image);
    const std::vector<float> last = read(image, 2);
    check.that(last.size() == 12 && last.front() == 24 && last.back() == 35, "the last");
    check.throws(Code::invalid_argument, "one too many", [&] { read(image, 3); });
  });
  suite.test("the affine: sform, else qform, else sizes with x to the left", [](Check& check) {
    NiftiReader reader;
    const auto axes = [&](const NiftiImage& image) {
      const io::InputFile file(bytes_of(image.bytes()), "v.nii");
      return reader.read_single(file, 0);
    };
    for (const int version : {1, 2}) {
      NiftiImage image = counting(version, 1);
      image.set_voxel_size(1, 2), image.set_voxel_size(2, 3), image.set_voxel_size(3, 4);
      Volume volume = axes(image);
      check.that(volume.orientation[0].is_flipped && !volume.orientation[1].is_flipped, "sizes alone");
      check.that(volume.affine[0][0] == 2 && volume.affine[0][3] == -1 && volume.affine[2][3] == -2,
                 "about the middle");
      check.that(values_of(volume)[0] == 1, "read backwards");
      // Half a turn about x: y and z run backwards.
      image.set_codes(1, 0);
      image.set_qform({1, 0, 0, 5, 6, 7});
      volume = axes(image);
      check.that(
          !volume.orientation[0].is_flipped && volume.orientation[1].is_flipped && volume.orientation[2].is_flipped,
          "qform");
      check.that(volume.affine[0][3] == 5 && volume.affine[1][3] == 6 - 2 * 3 && volume.affine[2][3] == 7 - 4,
                 "offset");
      image.set_voxel_size(0, -1);  // qfac: z the other way
      check.that(!axes(image).orientation[2].is_flipped, "qfac");
      image.set_codes(1, 2);
      image.set_sform({0, 0, 2, 0, 1, 0, 0, 0, 0, 1, 0, 0});
      volume = axes(image);
      check.that(volume.orientation[0].stored == 2 && volume.orientation[1].stored == 0, "sform goes before");
      check.that(values_of(volume)[1] == 6, "one to the right is one slice further");
    }
  });
  suite.test("pairs, packed or not, by either name", [](Check& check) {
    const ScratchFolder folder;
    NiftiImage image = counting(1, 1);
    set_identity(image);
    image.set_magic(std::string_view("ni1\0", 4));
    image.set_offset(0);
    write_bytes(folder.path("a.hdr"), image.bytes().substr(0, 348));
    write_bytes(folder.path("a.img"), image.bytes().substr(352));
    for (const char* const name : {"a.hdr", "a.img"}) {
      check.that(values_of(NiftiReader().read(folder.path(name), 0))[11] == 11, name);
    }
    write_bytes(folder.path("b.hdr"), image.bytes().substr(0, 348));
    check.throws(Code::file_not_found, "no .img", [&] { NiftiReader().read(folder.path("b.hdr"), 0); });
    write_bytes(folder.path("c.nii"), image.bytes());
    check.throws(Code::file_format, "a pair in one file", [&] { NiftiReader().read(folder.path("c.nii"), 0); });
  });
}

struct Lie {
  std::string_view what;
  std::function<void(NiftiImage&)> tell;
};

std::vector<Lie> lies() {
  return {
      {"rank 0", [](NiftiImage& image) { image.set_dim(0, 0); }},
      {"rank 200", [](NiftiImage& image) { image.set_dim(0, 200); }},
      {"rank -3", [](NiftiImage& image) { image.set_dim(0, -3); }},
      {"no extent", [](NiftiImage& image) { image.set_dim(2, 0); }},
      {"a negative extent", [](NiftiImage& image) { image.set_dim(1, -7); }},
      {"18 GB",
       [](NiftiImage& image) {
         image.set_extents<3>({2100, 2100, 2100});
       }},
      {"32767 to the fourth",
       [](NiftiImage& image) {
         image.set_extents<4>({32767, 32767, 32767, 32767});
       }},
      {"one voxel more than there is",
       [](NiftiImage& image) {
         image.set_extents<3>({13, 1, 1});
       }},
      {"an offset in the header", [](NiftiImage& image) { image.set_offset(100); }},
      {"an offset behind the file", [](NiftiImage& image) { image.set_offset(1e6); }},
      {"a negative offset", [](NiftiImage& image) { image.set_offset(-352); }},
      {"a magic word that is none", [](NiftiImage& image) { image.set_magic("n+9"); }},
      {"a length that is none", [](NiftiImage& image) { image.set<std::int32_t>(0, 349); }},
      {"a singular sform",
       [](NiftiImage& image) {
         image.set_codes(0, 1), image.set_sform({1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0});
       }},
      {"an sform without numbers",
       [](NiftiImage& image) {
         image.set_codes(0, 1), image.set_sform({kNan, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0});
       }},
      {"a quaternion too long",
       [](NiftiImage& image) {
         image.set_codes(1, 0), image.set_qform({0.9, 0.9, 0, 0, 0, 0});
       }},
  };
}

void test_lies(Suite& suite) {
  suite.test("headers that lie are refused, and nothing is held afterwards", [](Check& check) {
    const std::int64_t held = memory_stats().host_bytes;
    for (const int version : {1, 2}) {
      for (const Lie& lie : lies()) {
        NiftiImage image = counting(version, 1);
        lie.tell(image);
        const std::string message = check.throws(Code::file_format, lie.what, [&] { read(image); });
        check.that(contains(message, "v.nii"), lie.what, ": ", message);
      }
    }
    NiftiImage fraction(1, false);
    fraction.set_type(2), fraction.set_extents<3>({1, 1, 1}), fraction.append<std::uint8_t>(1);
    for (const double offset : {kNan, kInf, 352.5}) {
      fraction.set_offset(offset);
      check.throws(Code::file_format, "an offset that is no whole number", [&] { read(fraction); });
    }
    check.equal(memory_stats().host_bytes, held, "host bytes held");
  });
  suite.test("cut off anywhere", [](Check& check) {
    const std::string whole = counting(1, 1).bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      const io::InputFile file(bytes_of(cut), "v.nii");
      check.throws(Code::file_format, "cut", [&] { NiftiReader().read_single(file, 0); });
    }
  });
}

}  // namespace

void imaging_nifti(Suite& suite) {
  test_types(suite);
  test_wide_reals(suite);
  test_flat(suite);
  test_layout(suite);
  test_lies(suite);
}

}  // namespace gyrus::tests::suites
