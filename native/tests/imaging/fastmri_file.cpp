// fastMRI files: images, k-space, attributes, the ISMRMRD header, and files that lack or distort them.
#include "imaging/fastmri_file.h"

#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/hdf5_golden.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using imaging::FastmriFile;
using imaging::IsmrmrdHeader;
using imaging::parse_ismrmrd_header;

void test_files(Suite& suite) {
  suite.test("a training file", [](Check& check) {
    const FastmriFile file(hdf5_golden("fastmri"));
    const imaging::FastmriAttributes attributes = file.attributes();
    check.that(attributes.acquisition == "AXT2" && attributes.patient_id == "0123abcd", "texts");
    check.that(attributes.max == 0.25 && attributes.norm == 3.5 && !attributes.acceleration, "numbers");
    check.equal(file.rss().shape(), (Shape{2, 4, 4}), "images");
    std::vector<float> image(16);
    file.rss().read(1, 1, image);
    check.that(image == golden_reals(16, 16), "the second image");
    const imaging::FastmriKspace kspace = file.kspace();
    check.equal(kspace.shape(), (Shape{2, 3, 4, 6}), "k-space");
    for (std::int64_t slice = 0; slice < 2; ++slice) {
      std::vector<std::complex<float>> values(72);
      kspace.read_slice(slice, values);
      const std::vector<float> expected = golden_complex(slice * 72, 72);
      bool is_equal = true;
      for (std::size_t i = 0; i < 72; ++i) {
        is_equal = is_equal && values[i] == std::complex<float>(expected[2 * i], expected[2 * i + 1]);
      }
      check.that(is_equal, "slice ", slice);
    }
    std::vector<std::complex<float>> few(71);
    check.throws(Code::shape, "too little memory", [&] { kspace.read_slice(0, few); });
    check.throws(Code::invalid_argument, "a slice too many", [&] { kspace.read_slice(2, few); });
    check.that(!file.mask().has_value(), "no mask");
    const std::optional<IsmrmrdHeader> header = file.header();
    if (!check.that(header.has_value(), "no header")) return;
    check.that(header->encoded.x == 16 && header->encoded.y == 12 && header->encoded.z == 1, "encoded");
    check.that(header->recon.x == 8 && header->recon.y == 8 && header->recon.z == 1, "recon");
    // 12 / 2 - 5 = 1, 1 + 9 + 1 = 11.
    check.that(header->padding_left == 1 && header->padding_right == 11, "padding ", header->padding_left);
  });
  suite.test("a test file has a mask and no images", [](Check& check) {
    const FastmriFile file(hdf5_golden("fastmri_test"));
    check.that(file.attributes().acceleration == 4.0 && !file.attributes().max, "attributes");
    check.that(file.mask() == std::vector<float>({1, 0, 0, 1, 0, 0}), "mask");
    const std::string message = check.throws(Code::name, "no images", [&] { file.rss(); });
    check.that(contains(message, "\"reconstruction_rss\"") && contains(message, "\"reconstruction_esc\""), message);
    check.that(contains(check.throws(Code::file_format, "an empty header", [&] { file.header(); }),
                        "fastmri_test.h5: /ismrmrd_header: the ISMRMRD header has no encoding/encodedSpace"),
               "its message");
  });
  suite.test("wrong ranks, sizes that no file justifies", [](Check& check) {
    const FastmriFile file(hdf5_golden("fastmri_wrong"));
    const std::string message = check.throws(Code::shape, "single-coil k-space", [&] { file.kspace(); });
    check.that(contains(message, "fastmri_wrong.h5: /kspace: has the shape [2, 4, 6], [slices, coils, height, width]"),
               message);
    check.that(contains(check.throws(Code::file_format, "36 TiB", [&] { file.rss(); }), "never written"), "message");
    check.throws(Code::shape, "a mask of two axes", [&] { file.mask(); });
    check.throws(Code::dtype, "a header of numbers", [&] { file.header(); });
    const FastmriFile other(hdf5_golden("matlab"));
    check.throws(Code::name, "no k-space", [&] { other.kspace(); });
    check.that(!other.header().has_value(), "no header");
    check.that(!other.attributes().acquisition, "no attributes");
  });
}

std::string xml_of(std::string_view encoding) {
  return text("<ismrmrdHeader><encoding>", encoding, "</encoding></ismrmrdHeader>");
}

constexpr std::string_view kSpaces =
    "<encodedSpace><matrixSize><x>4</x><y>6</y><z>1</z></matrixSize></encodedSpace>"
    "<reconSpace><matrixSize><x>4</x><y>4</y><z>1</z></matrixSize></reconSpace>";

std::string limits(std::string_view center) {
  return text("<encodingLimits><kspace_encoding_step_1><maximum>3</maximum><center>", center,
              "</center></kspace_encoding_step_1></encodingLimits>");
}

void test_header(Suite& suite) {
  suite.test("forms of XML", [](Check& check) {
    const std::string plain = xml_of(text(kSpaces, limits("2")));
    check.equal(parse_ismrmrd_header(plain).padding_right, 5, "plain");
    // A namespace prefix, a second encoding, other elements of the same names elsewhere, CDATA, attributes with '>'.
    std::string prefixed = plain;
    for (std::size_t at = 0; (at = prefixed.find('<', at)) != std::string::npos;) {
      prefixed.insert(at + (prefixed[at + 1] == '/' ? 2 : 1), "m:");
      ++at;
    }
    check.equal(parse_ismrmrd_header(prefixed).padding_left, 1, "prefixed");
    const std::string second = text("<?xml version='1.0'?>\n<ismrmrdHeader a='>' b=\"</x>\"><x>9</x><![CDATA[<y>]]>",
                                    "<encoding>", kSpaces, limits(" 1\n"), "</encoding><encoding>", kSpaces,
                                    limits("0"), "</encoding><!-- </encoding> --></ismrmrdHeader>\n");
    check.equal(parse_ismrmrd_header(second).padding_left, 2, "two encodings");
  });
  suite.test("damage", [](Check& check) {
    const std::string plain = xml_of(text(kSpaces, limits("2")));
    for (std::size_t size = 0; size < plain.size(); ++size) {
      check.throws(Code::file_format, text("cut after ", size),
                   [&] { parse_ismrmrd_header(std::string_view(plain).substr(0, size)); });
    }
    for (const char* const number :
         {"", "-1", "1.5", "0x1", "1 2", "9999999999999999999", "1048577", "<b>1</b>", "1<!-- -->"}) {
      check.throws(Code::file_format, text("center ", number),
                   [&] { parse_ismrmrd_header(xml_of(text(kSpaces, limits(number)))); });
    }
    std::string deep;
    for (int level = 0; level < 70; ++level) deep += "<a>";
    for (const std::string& bad :
         {xml_of(text(kSpaces, limits("2"), limits("2"))), xml_of(kSpaces), std::string("<!DOCTYPE x><ismrmrdHeader/>"),
          std::string("<other/>"), std::string("<ismrmrdHeader></x>"), std::string("</ismrmrdHeader>"),
          std::string("< ismrmrdHeader>"), "<ismrmrdHeader>" + deep}) {
      check.throws(Code::file_format, bad, [&] { parse_ismrmrd_header(bad); });
    }
  });
}

}  // namespace

void imaging_fastmri_file(Suite& suite) {
  test_files(suite);
  test_header(suite);
}

}  // namespace gyrus::tests::suites
