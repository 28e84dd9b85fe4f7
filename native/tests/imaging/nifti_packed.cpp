// NIfTI files that are packed: what they hold is what the plain file holds, wherever the voxels begin, whichever frame
// is asked for, in one file or two; damage is found.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "imaging/nifti_file.h"
#include "imaging/slice_extractor.h"
#include "imaging/slice_statistics.h"
#include "tests/harness/suites.h"
#include "tests/imaging/nifti_image.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using imaging::NiftiReader;
using imaging::Volume;

// Everything that is asked of a volume, through every way of reading its elements.
struct Answers {
  std::vector<float> values;
  imaging::VolumeStatistics statistics;
  std::vector<std::uint16_t> pixels;
};

Answers ask(const Volume& volume) {
  Answers answers;
  answers.values.resize(static_cast<std::size_t>(volume.voxels.count()));
  imaging::read_canonical(volume, answers.values);
  const imaging::StatisticsOptions options{
      .plane = imaging::Plane::coronal, .percentiles = {}, .domain = imaging::EntropyDomain::box};
  answers.statistics = imaging::SliceStatistician().examine(volume, options);
  const std::int64_t index = 1;
  answers.pixels.resize(9 * 9);
  imaging::SliceExtractor().extract(volume, {options.plane, answers.statistics.window, 9}, std::span(&index, 1),
                                    answers.pixels);
  return answers;
}

Answers ask(std::string_view bytes, std::int64_t frame = 0) {
  // Exactly as many bytes as the file has, so that AddressSanitizer sees a read beyond them.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  const io::InputFile file(std::as_bytes(std::span(exact)), "v.nii.gz");
  NiftiReader reader;
  return ask(reader.read_single(file, frame));
}

bool is_equal(const Answers& a, const Answers& b) {
  return a.values == b.values && a.pixels == b.pixels && a.statistics.entropy == b.statistics.entropy &&
         a.statistics.foreground == b.statistics.foreground;
}

struct ElementType {
  std::int16_t code;
  std::size_t bytes, parts;
};

constexpr ElementType kTypes[] = {{2, 1, 1},     {256, 1, 1},  {4, 2, 1},    {512, 2, 1},  {8, 4, 1},
                                  {768, 4, 1},   {1024, 8, 1}, {1280, 8, 1}, {16, 4, 1},   {64, 8, 1},
                                  {1536, 16, 1}, {32, 4, 2},   {1792, 8, 2}, {2048, 16, 2}};

void append_number(NiftiImage& image, const ElementType& type, int number) {
  const bool is_real = type.code == 16 || type.code == 64 || type.code == 1536 || type.parts == 2;
  for (std::size_t part = 0; part < type.parts; ++part) {
    if (type.bytes == 1) image.append(static_cast<std::int8_t>(number));
    if (type.bytes == 2) image.append(static_cast<std::int16_t>(number));
    if (type.bytes == 4 && !is_real) image.append(std::int32_t{number});
    if (type.bytes == 8 && !is_real) image.append(std::int64_t{number});
    if (type.bytes == 4 && is_real) image.append(static_cast<float>(number));
    if (type.bytes == 8 && is_real) image.append(static_cast<double>(number));
    if (type.bytes == 16) image.append(static_cast<long double>(number));
  }
}

// 5 x 3 x 4 voxels that begin `gap` bytes later than they need to.
NiftiImage counting(int version, const ElementType& type, std::size_t gap, std::int64_t frames = 1) {
  NiftiImage image(version, false);
  image.set_codes(0, 1);
  image.set_sform({-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0});
  image.set_type(type.code);
  image.set_extents<4>({5, 3, 4, frames});
  image.set_offset(static_cast<double>((version == 1 ? 352 : 544) + gap));
  for (std::size_t i = 0; i < gap; ++i) image.append<std::uint8_t>(0xab);
  for (int i = 0; i < 60 * frames; ++i) append_number(image, type, i % 101);
  return image;
}

void test_contents(Suite& suite) {
  suite.test("voxels of every type that begin anywhere are those of the plain file", [](Check& check) {
    for (const ElementType& type : kTypes) {
      for (const int version : {1, 2}) {
        for (const std::size_t gap : {0U, 1U, 2U, 3U, 7U, 12U}) {
          const std::string plain = counting(version, type, gap).bytes();
          const Answers wanted = ask(plain), found = ask(gzip_image(plain));
          check.that(is_equal(wanted, found), "type ", type.code, " of version ", version, " after ", gap);
          const double magnitude = type.parts == 2 ? std::sqrt(2.0) : 1;
          // Read backwards along x: the first voxel is the fifth that is stored.
          check.that(std::abs(wanted.values[0] - 4 * magnitude) < 1e-6, "type ", type.code, ": ", wanted.values[0]);
        }
      }
    }
  });
  suite.test("every frame of a packed file", [](Check& check) {
    const std::string plain = counting(1, kTypes[2], 3, 4).bytes();
    const std::string packed = gzip_image(plain);
    for (std::int64_t frame = 0; frame < 4; ++frame) {
      check.that(is_equal(ask(plain, frame), ask(packed, frame)), "frame ", frame);
    }
    check.throws(Code::invalid_argument, "one too many", [&] { ask(packed, 4); });
    check.throws(Code::invalid_argument, "before the first", [&] { ask(packed, -1); });
  });
  suite.test("several members, and padding behind them", [](Check& check) {
    const std::string plain = counting(2, kTypes[8], 5).bytes();
    const Answers wanted = ask(plain);
    for (const std::size_t cut : {std::size_t{1}, std::size_t{100}, std::size_t{544}, plain.size() - 1}) {
      const std::string packed = gzip_image(plain.substr(0, cut)) + gzip_image(plain.substr(cut));
      check.that(is_equal(wanted, ask(packed)), "cut at ", cut);
      check.that(is_equal(wanted, ask(packed + std::string(100, '\0'))), "cut at ", cut, ", padded");
    }
  });
}

void test_pairs(Suite& suite) {
  suite.test("pairs of which both, either or none is packed", [](Check& check) {
    NiftiImage image = counting(1, kTypes[3], 0);
    image.set_magic(std::string_view("ni1\0", 4));
    image.set_offset(6);
    const std::string header = image.bytes().substr(0, 348), voxels = "abcdef" + image.bytes().substr(352);
    const ScratchFolder folder;
    write_bytes(folder.path("a.hdr"), header);
    write_bytes(folder.path("a.img"), voxels);
    write_bytes(folder.path("b.hdr.gz"), gzip_image(header));
    write_bytes(folder.path("b.img.gz"), gzip_image(voxels));
    write_bytes(folder.path("c.hdr"), gzip_image(header));  // packed, whatever its name says
    write_bytes(folder.path("c.img"), voxels);
    NiftiReader reader, other;
    const Answers wanted = ask(reader.read(folder.path("a.hdr"), 0));
    check.equal(wanted.values[0], 4.0F, "the first voxel");
    for (const char* const name : {"b.hdr.gz", "b.img.gz", "c.hdr", "c.img"}) {
      check.that(is_equal(wanted, ask(reader.read(folder.path(name), 0))), name);
    }
    // Whatever the case of their suffixes.
    write_bytes(folder.path("D.HDR"), header);
    write_bytes(folder.path("D.IMG"), voxels);
    for (const char* const name : {"D.HDR", "D.IMG"}) {
      check.that(is_equal(wanted, ask(reader.read(folder.path(name), 0))), name);
    }
    const auto hash_of = [](const std::string& bytes) { return io::sha256_hex(std::as_bytes(std::span(bytes))); };
    check.equal(reader.read(folder.path("a.img"), 0).sha256, hash_of(header + voxels), "the header's bytes count too");
    check.equal(reader.read(folder.path("b.hdr.gz"), 0).sha256, hash_of(gzip_image(header) + gzip_image(voxels)),
                "as they are packed");
    const auto both = NiftiReader::read_both(reader, folder.path("b.hdr.gz"), other, folder.path("b.img.gz"), 0);
    for (const NiftiReader::Result& result : both) {
      check.equal(std::get<Volume>(result).sha256, hash_of(gzip_image(header) + gzip_image(voxels)), "two at once");
    }
    write_bytes(folder.path("c.img"), voxels.substr(0, voxels.size() - 1));
    check.throws(Code::file_format, "a byte too few", [&] { reader.read(folder.path("c.img"), 0); });
  });
}

void test_damage(Suite& suite) {
  suite.test("a changed byte of packed data never changes a voxel", [](Check& check) {
    const std::string packed = gzip_image(counting(1, kTypes[9], 0).bytes());
    const Answers wanted = ask(packed);
    int found = 0;
    for (std::size_t at = 10; at < packed.size(); ++at) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      try {
        // Bits that fill up the last byte before the checksum mean nothing.
        if (!is_equal(wanted, ask(damaged))) check.that(false, "byte ", at);
      } catch (const Error& error) {
        ++found;
        if (error.code() != Code::file_format && error.code() != Code::dtype) check.that(false, error.message());
      }
    }
    check.that(found >= static_cast<int>(packed.size()) - 11, found, " of ", packed.size(), " bytes found");
  });
  suite.test("a header that announces what its packed data cannot be", [](Check& check) {
    NiftiImage image = counting(2, kTypes[0], 0);
    image.set_extents<3>({1 << 10, 1 << 10, 1 << 10});
    const std::string message =
        check.throws(Code::file_format, "a gibibyte in 200 bytes", [&] { ask(gzip_image(image.bytes())); });
    check.that(contains(message, "v.nii.gz") && contains(message, "at most"), message);
    image.set_extents<3>({61, 1, 1});
    check.throws(Code::file_format, "a voxel more", [&] { ask(gzip_image(image.bytes())); });
    image.set_extents<3>({60, 1, 1});
    image.set_offset(1e9);
    check.throws(Code::file_format, "voxels far behind", [&] { ask(gzip_image(image.bytes())); });
  });
  suite.test("a volume of more bytes than one may take", [](Check& check) {
    const std::int64_t side = 128;
    NiftiImage image = counting(2, kTypes[0], 0);
    image.set_extents<3>({side, side, side});
    // What its size could hold at most is that much.
    const std::string bytes = gzip_image(image.bytes()) + std::string(side * side * side / io::kMaxInflation, '\0');
    const io::InputFile file(std::as_bytes(std::span(bytes)), "v.nii.gz");
    NiftiReader reader(std::make_shared<imaging::BufferPool>(imaging::PoolLimits{.keep = 0, .most = 2 << 20}));
    const std::string message =
        check.throws(Code::out_of_memory, "packed and unpacked", [&] { reader.read_single(file, 0); });
    check.that(contains(message, "v.nii.gz") && contains(message, "leave it out"), message);
  });
  suite.test("a packed file that holds far more than its header announces", [](Check& check) {
    std::string bytes = counting(1, kTypes[0], 0).bytes();
    bytes.resize(90'000'000);
    const std::string packed = gzip_image(bytes, 9);
    const std::string message = check.throws(Code::file_format, "a bomb", [&] { ask(packed); });
    check.that(contains(message, "v.nii.gz holds more than"), message);
  });
}

// Two files at once give, each, what each gives alone: `bytes` of the files, and whether they can be read.
struct Kind {
  std::string name, bytes;
  bool is_good;
};

std::vector<Kind> some_kinds() {
  const std::string plain = counting(1, kTypes[2], 5).bytes(), packed = gzip_image(plain);
  std::string damaged = packed;
  damaged[packed.size() - 6] ^= 1;  // of its checksum
  std::string large = counting(1, kTypes[8], 0).bytes();
  NiftiImage lying = counting(2, kTypes[0], 0);
  lying.set_extents<3>({1 << 10, 1 << 10, 1 << 10});
  return {{"packed.nii.gz", packed, true},
          {"other.nii.gz", gzip_image(large, 9), true},
          {"plain.nii", plain, true},
          {"members.nii.gz", gzip_image(plain.substr(0, 400)) + gzip_image(plain.substr(400)), true},
          {"frames.nii.gz", gzip_image(counting(1, kTypes[1], 0, 3).bytes()), true},
          {"padded.nii.gz", packed + std::string(100, '\0'), true},
          {"damaged.nii.gz", damaged, false},
          {"short.nii.gz", packed.substr(0, packed.size() / 2), false},
          {"lying.nii.gz", gzip_image(lying.bytes()), false},
          {"text.nii.gz", "no volume", false}};
}

void test_both(Suite& suite) {
  suite.test("two files at once, good and bad ones, are what each is alone", [](Check& check) {
    const ScratchFolder folder;
    const std::vector<Kind> kinds = some_kinds();
    for (const Kind& kind : kinds) write_bytes(folder.path(kind.name), kind.bytes);
    NiftiReader alone;
    std::array<NiftiReader, 2> readers;
    for (const Kind& first : kinds) {
      for (const Kind& second : kinds) {
        const auto results =
            NiftiReader::read_both(readers[0], folder.path(first.name), readers[1], folder.path(second.name), 0);
        for (std::size_t i = 0; i < 2; ++i) {
          const Kind& kind = i == 0 ? first : second;
          const std::string what = text(first.name, " and ", second.name, ", the one at ", i);
          const auto* const volume = std::get_if<Volume>(&results[i]);
          if (!check.that((volume != nullptr) == kind.is_good, what)) continue;
          if (volume == nullptr) {
            const auto& error = std::get<Error>(results[i]);
            check.equal(check.throws(error.code(), what, [&] { alone.read(folder.path(kind.name), 0); }),
                        error.message(), what);
            continue;
          }
          const Volume same = alone.read(folder.path(kind.name), 0);
          check.that(is_equal(ask(*volume), ask(same)) && volume->sha256 == same.sha256, what);
        }
      }
    }
    const auto results =
        NiftiReader::read_both(readers[0], folder.path("absent.nii.gz"), readers[1], folder.path("packed.nii.gz"), 0);
    const auto* const error = std::get_if<Error>(results.data());
    check.that(error != nullptr && error->code() == Code::file_not_found, "one that is not there");
    check.that(std::holds_alternative<Volume>(results[1]), "and one that is");
  });
}

}  // namespace

void imaging_nifti_packed(Suite& suite) {
  test_contents(suite);
  test_pairs(suite);
  test_damage(suite);
  test_both(suite);
}

}  // namespace gyrus::tests::suites
