// NIfTI files: .nii, .nii.gz, and pairs .hdr/.img, packed or not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "core/error.h"
#include "imaging/buffer_pool.h"
#include "imaging/nifti_header.h"
#include "imaging/volume.h"
#include "io/file.h"
#include "io/gzip.h"
#include "io/sha256.h"

namespace gyrus::imaging {

// What the head of a file says of its volume.
struct Announced {
  std::int64_t bytes = 0;  // of memory, to read it: packed and unpacked
  Extents3 extents{};      // in canonical order
};

// Reads one volume after another into memory of a pool.
class NiftiReader {
 public:
  explicit NiftiReader(std::shared_ptr<BufferPool> pool = std::make_shared<BufferPool>());

  // The volume of frame `frame` (of a 4-D file; 0 of a 3-D one), valid until the next call. The data is gone through
  // once: read, inflated, hashed. Nothing is allocated that the file's size does not justify. Throws
  // Code::file_not_found, Code::file_io, Code::file_format, Code::dtype, Code::invalid_argument for a frame that the
  // file does not have, and Code::out_of_memory for more than the pool allows to one volume.
  Volume read(const std::string& path, std::int64_t frame);
  // The same for a file that is open, which must not be one of a pair.
  Volume read_single(const io::InputFile& file, std::int64_t frame);
  // What read() would need, from the first bytes of the file alone. Throws what read() throws of a bad header.
  Announced announced(const std::string& path, std::int64_t frame);
  // Lets go of the memory; the volume is no longer valid.
  void release();

  // The same of two files, each with a reader of its own. Where both are packed they are inflated and hashed at once,
  // which takes less time. What is wrong with one does not concern the other.
  using Result = std::variant<Volume, Error>;
  static std::array<Result, 2> read_both(NiftiReader& first, const std::string& path, NiftiReader& second,
                                         const std::string& other, std::int64_t frame);

 private:
  // A file whose first bytes say whether it is packed. Packed data is read as a whole, at once.
  struct Source {
    const io::InputFile& file;
    bool is_packed;
    std::span<const std::byte> packed;
  };
  // Where the voxels lie, according to a header that was checked against the file.
  struct Layout {
    std::int64_t begin = 0, end = 0;  // in the file that they lie in, unpacked
    std::int64_t lead = 0;            // bytes to unpack before the voxels
    std::int64_t pad = 0;             // so that the voxels begin on a cache line, whatever their offset in the file
    bool is_from_start = false;       // packed, and to be unpacked as a whole

    std::int64_t unpacked() const { return pad + lead + (end - begin); }
  };
  // A volume whose header has been read and believed, and whose voxels have not.
  struct Frame {
    Source source;
    NiftiHeader header;
    Volume volume;  // but for voxels and hash
    Layout layout;
    io::Sha256 hash;                // of what was read before this file: the header of a pair
    std::span<std::byte> unpacked;  // from layout.lead bytes before the voxels on
  };
  struct OpenFrame {
    std::unique_ptr<io::InputFile> file;  // that frame.source refers to
    Frame frame;
  };
  Source open(const io::InputFile& file);
  NiftiHeader header_of(const Source& source);
  Layout layout_of(const Source& source, const NiftiHeader& header, std::int64_t frame) const;
  OpenFrame open_frame(const std::string& path, std::int64_t frame);
  Frame prepare(const Source& source, const NiftiHeader& header, std::int64_t frame);
  // What was unpacked and hashed already, by read_both, is not again.
  struct Progress {
    bool is_unpacked = false;
    std::optional<io::Sha256> hash;
  };
  Volume finish(Frame& frame, Progress progress);

  io::Gunzip gunzip_;
  std::shared_ptr<BufferPool> pool_;
  ReusedBuffer packed_, unpacked_;
};

}  // namespace gyrus::imaging
