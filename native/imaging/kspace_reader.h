// The k-space of one file of the form of fastMRI's, slice by slice, and all that the file says of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/shape.h"
#include "imaging/fastmri_file.h"

namespace gyrus::imaging {

struct KspaceFacts {
  Shape shape;                             // [slices, coils, rows (readout), columns (phase)]
  std::optional<std::vector<float>> mask;  // one number a column, 0: not measured
  std::optional<IsmrmrdHeader> header;
  FastmriAttributes attributes;

  // Of a slice, two a number.
  std::int64_t slice_floats() const { return Shape{shape[1], shape[2], shape[3], 2}.elements(); }
};

class KspaceReader {
 public:
  // `most`: bytes that reading a slice may take, Code::out_of_memory beyond. Codes as of fastmri_file.h; Code::shape
  // too for k-space without a number in it, and for a mask of other than its columns.
  KspaceReader(const std::string& path, std::int64_t most);

  const KspaceFacts& facts() const { return facts_; }
  // `out` has slice_floats(), of each number the real part first. Code::invalid_argument for a slice that is not there.
  void read(std::int64_t slice, std::span<float> out) const;

 private:
  KspaceReader(const FastmriFile& file, const std::string& path, std::int64_t most);

  FastmriKspace kspace_;
  KspaceFacts facts_;
};

}  // namespace gyrus::imaging
