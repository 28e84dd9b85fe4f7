// NIfTI files: .nii, .nii.gz, and pairs .hdr/.img, packed or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "imaging/nifti_header.h"
#include "imaging/volume.h"
#include "io/file.h"
#include "io/gzip.h"

namespace gyrus::imaging {

// Reads one volume after another into memory that it keeps.
class NiftiReader {
 public:
  // The volume of frame `frame` (of a 4-D file; 0 of a 3-D one), valid until the next call. The data is gone through
  // once: read, inflated, hashed. Nothing is allocated that the file's size does not justify. Throws
  // Code::file_not_found, Code::file_io, Code::file_format, Code::dtype, Code::invalid_argument for a frame that the
  // file does not have, and Code::out_of_memory for more than a quarter of the machine's memory.
  Volume read(const std::string& path, std::int64_t frame);
  // The same for a file that is open, which must not be one of a pair.
  Volume read_single(const io::InputFile& file, std::int64_t frame);

 private:
  // A file whose first bytes say whether it is packed. Packed data is read as a whole, at once.
  struct Source {
    const io::InputFile& file;
    bool is_packed;
    std::span<const std::byte> packed;
  };
  Source open(const io::InputFile& file);
  NiftiHeader header_of(const Source& source);
  Volume read_frame(const Source& source, const NiftiHeader& header, std::int64_t frame);

  io::Gunzip gunzip_;
  ReusedBuffer packed_, unpacked_;
};

}  // namespace gyrus::imaging
