// What an ISMRMRD header (XML, namespace http://www.ismrm.org/ISMRMRD) says that reconstruction and studies of scans
// ask for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gyrus::imaging {

struct MatrixSize {
  std::int64_t x = 0, y = 0, z = 0;
};

struct EncodingSpace {
  MatrixSize matrix;
  std::optional<std::array<double, 3>> field_of_view;  // x, y, z in mm
};

// encodingLimits/kspace_encoding_step_1.
struct PhaseLimits {
  std::int64_t center = 0, maximum = 0;
  // Columns of k-space outside of [padding_left, padding_right) were never measured and hold zeros (science.md C1).
  std::int64_t padding_left = 0, padding_right = 0;
};

// Numbers of each kind one after the other, as a sequence of several echoes has them; empty: not stated.
struct SequenceParameters {
  std::vector<double> repetition_times, echo_times, inversion_times;  // ms
  std::vector<double> flip_angles;                                    // degrees
  std::vector<double> echo_spacings;                                  // ms
  std::string type;                                                   // "TurboSpinEcho"; '': not stated
};

struct ScannerFacts {
  std::string vendor, model;             // '': not stated
  std::optional<double> field_strength;  // tesla
  std::optional<std::int64_t> channels;
};

// Spaces and limits are those of the first encoding.
struct IsmrmrdHeader {
  EncodingSpace encoded, recon;
  std::optional<PhaseLimits> limits;
  std::string trajectory, protocol;  // "cartesian", "AX FLAIR"; '': not stated
  SequenceParameters sequence;
  ScannerFacts scanner;
};

// Strict where it looks, blind elsewhere: elements must nest; the two matrices must be there; what is there must be a
// number in its range (whole ones between 0 and 2^20, others between 0 and 10^9), and there once unless it is a list.
// Throws Code::file_format.
IsmrmrdHeader parse_ismrmrd_header(std::string_view xml);

}  // namespace gyrus::imaging
