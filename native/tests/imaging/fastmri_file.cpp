// fastMRI files: images, k-space, attributes, the ISMRMRD header, and files that lack or distort them.
#include "imaging/fastmri_file.h"

#include <array>
#include <string>
#include <vector>

#include "imaging/kspace_reader.h"
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
      std::vector<float> values(144);
      kspace.read_slice(slice, values);
      check.that(values == golden_complex(slice * 72, 72), "slice ", slice);
    }
    std::vector<float> few(142);
    check.throws(Code::shape, "too little memory", [&] { kspace.read_slice(0, few); });
    check.throws(Code::invalid_argument, "a slice too many", [&] { kspace.read_slice(2, few); });
    check.that(!file.mask().has_value(), "no mask");
    const std::optional<IsmrmrdHeader> header = file.header();
    if (!check.that(header.has_value(), "no header")) return;
    const imaging::MatrixSize &encoded = header->encoded.matrix, &recon = header->recon.matrix;
    check.that(encoded.x == 16 && encoded.y == 12 && encoded.z == 1, "encoded");
    check.that(recon.x == 8 && recon.y == 8 && recon.z == 1, "recon");
    check.that(!header->encoded.field_of_view && !header->recon.field_of_view, "no fields of view");
    // 12 / 2 - 5 = 1, 1 + 9 + 1 = 11.
    check.that(header->limits && header->limits->padding_left == 1 && header->limits->padding_right == 11, "padding");
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
}

void test_kspace(Suite& suite) {
  suite.test("k-space of one coil, packed in chunks", [](Check& check) {
    const FastmriFile file(hdf5_golden("fastmri_single"));
    const imaging::FastmriKspace kspace = file.kspace();
    check.equal(kspace.shape(), (Shape{3, 1, 4, 6}), "an axis of one coil");
    for (std::int64_t slice = 0; slice < 3; ++slice) {
      std::vector<float> values(48);
      kspace.read_slice(slice, values);
      check.that(values == golden_complex(slice * 24, 24), "slice ", slice);
    }
  });
  suite.test("a reader of k-space, and what it refuses", [](Check& check) {
    constexpr std::int64_t kMuch = 1 << 20;
    const imaging::KspaceReader reader(hdf5_golden("fastmri"), kMuch);
    const imaging::KspaceFacts& facts = reader.facts();
    check.equal(facts.shape, (Shape{2, 3, 4, 6}), "shape");
    check.that(facts.attributes.norm == 3.5 && facts.header && !facts.mask, "facts");
    check.equal(facts.slice_floats(), 144, "floats of a slice");
    std::vector<float> values(144);
    reader.read(1, values);
    check.that(values == golden_complex(72, 72), "a slice");
    check.throws(Code::invalid_argument, "no slice -1", [&] { reader.read(-1, values); });
    check.throws(Code::invalid_argument, "no slice 2", [&] { reader.read(2, values); });
    const std::string mask = check.throws(Code::shape, "a mask of other columns",
                                          [&] { imaging::KspaceReader(hdf5_golden("fastmri_single"), kMuch); });
    check.that(contains(mask, "has a mask of 5 numbers, 6 were expected"), mask);
    // 144 floats, not in chunks.
    const imaging::KspaceReader small(hdf5_golden("fastmri"), 576);
    const std::string room = check.throws(Code::out_of_memory, "more than it may take",
                                          [&] { imaging::KspaceReader(hdf5_golden("fastmri"), 575); });
    check.that(contains(room, "needs 576 bytes"), room);
    check.throws(Code::name, "no k-space", [&] { imaging::KspaceReader(hdf5_golden("matlab"), kMuch); });
  });
}

void test_refusals(Suite& suite) {
  suite.test("wrong ranks, sizes that no file justifies", [](Check& check) {
    const FastmriFile file(hdf5_golden("fastmri_wrong"));
    const std::string message = check.throws(Code::shape, "k-space of two axes", [&] { file.kspace(); });
    check.that(contains(message, "fastmri_wrong.h5: /kspace: has the shape [4, 6], [slices, coils, height, width] or"),
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
    check.equal(parse_ismrmrd_header(plain).limits.value().padding_right, 5, "plain");
    // A namespace prefix, a second encoding, other elements of the same names elsewhere, CDATA, attributes with '>'.
    std::string prefixed = plain;
    for (std::size_t at = 0; (at = prefixed.find('<', at)) != std::string::npos;) {
      prefixed.insert(at + (prefixed[at + 1] == '/' ? 2 : 1), "m:");
      ++at;
    }
    check.equal(parse_ismrmrd_header(prefixed).limits.value().padding_left, 1, "prefixed");
    const std::string second = text("<?xml version='1.0'?>\n<ismrmrdHeader a='>' b=\"</x>\"><x>9</x><![CDATA[<y>]]>",
                                    "<encoding>", kSpaces, limits(" 1\n"), "</encoding><encoding>", kSpaces,
                                    limits("0"), "</encoding><!-- </encoding> --></ismrmrdHeader>\n");
    check.equal(parse_ismrmrd_header(second).limits.value().padding_left, 2, "two encodings");
    check.that(!parse_ismrmrd_header(xml_of(kSpaces)).limits, "no limits");
  });
  suite.test("fields of view, times, words", [](Check& check) {
    const std::string view = "<fieldOfView_mm><x>440</x><y>220.5</y><z>7.5e0</z></fieldOfView_mm>";
    std::string spaces(kSpaces);
    for (const char* const end : {"</encodedSpace>", "</reconSpace>"}) spaces.insert(spaces.find(end), view);
    const IsmrmrdHeader header = parse_ismrmrd_header(
        text("<ismrmrdHeader><measurementInformation><protocolName> AX &lt;T2&gt; &amp; &#xe4;&#x110000;&b &#0;",
             "</protocolName></measurementInformation>",
             "<acquisitionSystemInformation><systemVendor>V</systemVendor><systemModel/>",
             "<systemFieldStrength_T>2.8936</systemFieldStrength_T><receiverChannels>16</receiverChannels>",
             "</acquisitionSystemInformation><encoding>", spaces, "<trajectory>cartesian</trajectory></encoding>",
             "<sequenceParameters><TR>6000</TR><TE>113</TE><TE>226</TE><flipAngle_deg>150</flipAngle_deg>",
             "<sequence_type>TurboSpinEcho</sequence_type><echo_spacing>12.5</echo_spacing></sequenceParameters>",
             "</ismrmrdHeader>"));
    const std::array<double, 3> expected{440, 220.5, 7.5};
    check.that(header.encoded.field_of_view == expected && header.recon.field_of_view == expected, "fields of view");
    check.equal(header.protocol, "AX <T2> & \u00e4&#x110000;&b &#0;", "protocol");
    check.that(header.scanner.vendor == "V" && header.scanner.model.empty(), "vendor");
    check.that(header.scanner.field_strength == 2.8936 && header.scanner.channels == 16, "field");
    check.equal(header.trajectory, "cartesian", "trajectory");
    const imaging::SequenceParameters& sequence = header.sequence;
    check.that(sequence.repetition_times == std::vector<double>{6000} && sequence.inversion_times.empty(), "TR, TI");
    check.that(sequence.echo_times == std::vector<double>({113, 226}), "two echoes");
    check.that(sequence.flip_angles == std::vector<double>{150} && sequence.echo_spacings == std::vector<double>{12.5},
               "angle, spacing");
    check.equal(sequence.type, "TurboSpinEcho", "type");
  });
}

void test_damaged_header(Suite& suite) {
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
         {xml_of(text(kSpaces, limits("2"), limits("2"))), xml_of(kSpaces.substr(kSpaces.find("<recon"))),
          xml_of(text(kSpaces, "<trajectory>\xff</trajectory>")),
          xml_of(text(kSpaces, "<reconSpace><fieldOfView_mm><x>1</x></fieldOfView_mm></reconSpace>")),
          xml_of(text(kSpaces, "</encoding><sequenceParameters><TR>nan</TR></sequenceParameters><encoding>")),
          xml_of(text(kSpaces, "</encoding><sequenceParameters><TE>-1</TE></sequenceParameters><encoding>")),
          xml_of(text(kSpaces, "</encoding><sequenceParameters><TI>1e10</TI></sequenceParameters><encoding>")),
          xml_of(text(kSpaces, "<encodingLimits><kspace_encoding_step_1><center>2</center></kspace_encoding_step_1>",
                      "</encodingLimits>")),
          std::string("<!DOCTYPE x><ismrmrdHeader/>"), std::string("<other/>"), std::string("<ismrmrdHeader></x>"),
          std::string("</ismrmrdHeader>"), std::string("< ismrmrdHeader>"), "<ismrmrdHeader>" + deep}) {
      check.throws(Code::file_format, bad, [&] { parse_ismrmrd_header(bad); });
    }
  });
}

}  // namespace

void imaging_fastmri_file(Suite& suite) {
  test_files(suite);
  test_kspace(suite);
  test_refusals(suite);
  test_header(suite);
  test_damaged_header(suite);
}

}  // namespace gyrus::tests::suites
