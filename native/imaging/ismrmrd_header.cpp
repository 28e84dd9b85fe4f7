#include "imaging/ismrmrd_header.h"

#include <charconv>
#include <cmath>

#include "core/error.h"
#include "imaging/xml_walk.h"
#include "io/utf8.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kMaxWhole = 1 << 20;
constexpr double kMaxReal = 1e9;

// What a place of the header holds; exactly one of the targets is set.
struct Wanted {
  std::string_view path;  // below the root
  std::optional<std::int64_t>* whole = nullptr;
  std::optional<double>* real = nullptr;
  std::vector<double>* reals = nullptr;
  std::optional<std::string>* words = nullptr;
};

template <class Number>
Number number_in(std::string_view content, std::string_view path, Number most, std::string_view kind) {
  const std::string_view digits = xml_trimmed(content);
  Number value = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_all = problem == std::errc() && end == digits.data() + digits.size();
  // A NaN fails both comparisons.
  GYRUS_CHECK(is_all && value >= 0 && value <= most, Code::file_format, "the ISMRMRD header gives ", io::quoted(digits),
              " as ", path, ", a ", kind, " from 0 to ", most, " was expected; the file is damaged");
  return value;
}

template <class Value>
void put_once(std::optional<Value>& target, Value value, std::string_view path) {
  GYRUS_CHECK(!target, Code::file_format, "the ISMRMRD header gives ", path, " twice; the file is damaged");
  target = std::move(value);
}

// Puts what it meets where it is wanted.
class Collector : public XmlVisitor {
 public:
  explicit Collector(std::vector<Wanted> wanted) : wanted_(std::move(wanted)) {}

  void open(XmlPath path) override {
    if (path.size() == 2 && path[1] == "encoding") ++encodings_;
  }

  void leaf(XmlPath path, std::string_view content) override {
    if (path.size() < 3 || (path[1] == "encoding" && encodings_ > 1)) return;
    for (const Wanted& wanted : wanted_) {
      if (is_below_root(path, wanted.path)) return keep(wanted, content);
    }
  }

 private:
  static void keep(const Wanted& wanted, std::string_view content) {
    if (wanted.whole != nullptr) {
      put_once(*wanted.whole, number_in(content, wanted.path, kMaxWhole, "whole number"), wanted.path);
    } else if (wanted.real != nullptr) {
      put_once(*wanted.real, number_in(content, wanted.path, kMaxReal, "number"), wanted.path);
    } else if (wanted.reals != nullptr) {
      wanted.reals->push_back(number_in(content, wanted.path, kMaxReal, "number"));
    } else {
      std::string words = xml_text(content);
      GYRUS_CHECK(io::is_utf8(words), Code::file_format, "the ISMRMRD header gives ", io::quoted(words), " as ",
                  wanted.path, ", UTF-8 was expected; the file is damaged");
      put_once(*wanted.words, std::move(words), wanted.path);
    }
  }

  std::vector<Wanted> wanted_;
  int encodings_ = 0;
};

// The parts of one space, before they are known to be complete.
struct SpaceParts {
  std::optional<std::int64_t> x, y, z;
  std::optional<double> width, height, depth;
};

std::int64_t required(const std::optional<std::int64_t>& value, std::string_view path) {
  GYRUS_CHECK(value.has_value(), Code::file_format, "the ISMRMRD header has no ", path,
              "; give a file with a complete header");
  return *value;
}

EncodingSpace space_of(const SpaceParts& parts, const std::string& path) {
  EncodingSpace space;
  space.matrix = {required(parts.x, path + "/matrixSize/x"), required(parts.y, path + "/matrixSize/y"),
                  required(parts.z, path + "/matrixSize/z")};
  if (!parts.width && !parts.height && !parts.depth) return space;
  GYRUS_CHECK(parts.width && parts.height && parts.depth, Code::file_format, "the ISMRMRD header gives a part of ",
              path, "/fieldOfView_mm, x, y and z were expected; the file is damaged");
  space.field_of_view = {*parts.width, *parts.height, *parts.depth};
  return space;
}

constexpr std::string_view kLimits = "encoding/encodingLimits/kspace_encoding_step_1";

PhaseLimits limits_of(std::int64_t center, std::int64_t maximum, const MatrixSize& encoded) {
  const std::int64_t left = encoded.y / 2 - center;
  return {.center = center, .maximum = maximum, .padding_left = left, .padding_right = left + maximum + 1};
}

}  // namespace

IsmrmrdHeader parse_ismrmrd_header(std::string_view xml) {
  IsmrmrdHeader header;
  SpaceParts encoded, recon;
  std::optional<std::int64_t> center, maximum;
  std::optional<std::string> trajectory, protocol, type, vendor, model;
  SequenceParameters& sequence = header.sequence;
  ScannerFacts& scanner = header.scanner;
  Collector collector({
      {.path = "encoding/encodedSpace/matrixSize/x", .whole = &encoded.x},
      {.path = "encoding/encodedSpace/matrixSize/y", .whole = &encoded.y},
      {.path = "encoding/encodedSpace/matrixSize/z", .whole = &encoded.z},
      {.path = "encoding/encodedSpace/fieldOfView_mm/x", .real = &encoded.width},
      {.path = "encoding/encodedSpace/fieldOfView_mm/y", .real = &encoded.height},
      {.path = "encoding/encodedSpace/fieldOfView_mm/z", .real = &encoded.depth},
      {.path = "encoding/reconSpace/matrixSize/x", .whole = &recon.x},
      {.path = "encoding/reconSpace/matrixSize/y", .whole = &recon.y},
      {.path = "encoding/reconSpace/matrixSize/z", .whole = &recon.z},
      {.path = "encoding/reconSpace/fieldOfView_mm/x", .real = &recon.width},
      {.path = "encoding/reconSpace/fieldOfView_mm/y", .real = &recon.height},
      {.path = "encoding/reconSpace/fieldOfView_mm/z", .real = &recon.depth},
      {.path = "encoding/encodingLimits/kspace_encoding_step_1/center", .whole = &center},
      {.path = "encoding/encodingLimits/kspace_encoding_step_1/maximum", .whole = &maximum},
      {.path = "encoding/trajectory", .words = &trajectory},
      {.path = "measurementInformation/protocolName", .words = &protocol},
      {.path = "sequenceParameters/TR", .reals = &sequence.repetition_times},
      {.path = "sequenceParameters/TE", .reals = &sequence.echo_times},
      {.path = "sequenceParameters/TI", .reals = &sequence.inversion_times},
      {.path = "sequenceParameters/flipAngle_deg", .reals = &sequence.flip_angles},
      {.path = "sequenceParameters/echo_spacing", .reals = &sequence.echo_spacings},
      {.path = "sequenceParameters/sequence_type", .words = &type},
      {.path = "acquisitionSystemInformation/systemVendor", .words = &vendor},
      {.path = "acquisitionSystemInformation/systemModel", .words = &model},
      {.path = "acquisitionSystemInformation/systemFieldStrength_T", .real = &scanner.field_strength},
      {.path = "acquisitionSystemInformation/receiverChannels", .whole = &scanner.channels},
  });
  walk_xml(xml, "ismrmrdHeader", "the ISMRMRD header", collector);
  header.encoded = space_of(encoded, "encoding/encodedSpace");
  header.recon = space_of(recon, "encoding/reconSpace");
  if (center || maximum) {
    header.limits = limits_of(required(center, text(kLimits, "/center")), required(maximum, text(kLimits, "/maximum")),
                              header.encoded.matrix);
  }
  header.trajectory = trajectory.value_or("");
  header.protocol = protocol.value_or("");
  sequence.type = type.value_or("");
  scanner.vendor = vendor.value_or("");
  scanner.model = model.value_or("");
  return header;
}

}  // namespace gyrus::imaging
