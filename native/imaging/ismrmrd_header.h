// The few numbers of an ISMRMRD header (XML, namespace http://www.ismrm.org/ISMRMRD) that reconstruction needs.
#pragma once

#include <cstdint>
#include <string_view>

namespace gyrus::imaging {

struct MatrixSize {
  std::int64_t x = 0, y = 0, z = 0;
};

// Of the first encoding.
struct IsmrmrdHeader {
  MatrixSize encoded, recon;
  std::int64_t center = 0, maximum = 0;  // encodingLimits/kspace_encoding_step_1
  // Columns of k-space outside of [padding_left, padding_right) were never measured and hold zeros (science.md C1).
  std::int64_t padding_left = 0, padding_right = 0;
};

// Strict where it looks, blind elsewhere: elements must nest and the numbers above must each be there once, between 0
// and 2^20. Throws Code::file_format.
IsmrmrdHeader parse_ismrmrd_header(std::string_view xml);

}  // namespace gyrus::imaging
