// Volumes from the kinds of files that archives consist of, one at a time, in memory that is used again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "imaging/buffer_pool.h"
#include "imaging/nifti_file.h"
#include "imaging/volume.h"

namespace gyrus::imaging {

// What a file says of its volume beside the voxels; empty where it says nothing.
struct VolumeLabels {
  std::string acquisition;  // fastMRI: "AXT2"
  std::string patient_id;   // fastMRI: the same for all scans of a person
};

class VolumeReader {
 public:
  // Its memory is the pool's, and so is the limit of what one volume may take.
  explicit VolumeReader(std::shared_ptr<BufferPool> pool = std::make_shared<BufferPool>());

  // What opening would need, from the head of the file; throws what opening throws of it.
  Announced announced_nifti(const std::string& path, std::int64_t frame) { return nifti_.announced(path, frame); }
  Announced announced_fastmri(const std::string& path) const;
  Announced announced_npy(const std::string& path) const;

  // Each makes volume() another one, or throws and leaves none. Codes as of nifti_file.h, fastmri_file.h and io/npy.h.
  void open_nifti(const std::string& path, std::int64_t frame);
  // The same of two files with a reader each, in less time; what is wrong with either, if anything.
  static std::array<std::optional<Error>, 2> open_nifti_both(VolumeReader& first, const std::string& path,
                                                             VolumeReader& second, const std::string& other,
                                                             std::int64_t frame);
  // reconstruction_rss, a slice an image. The files store the rows of an upright image from the bottom up.
  void open_fastmri(const std::string& path);
  // [n, H, W] or [H, W], rows from the top down.
  void open_npy(const std::string& path);
  // One image, rows from the top down, whose file had that hash.
  void open_image(std::span<const float> pixels, std::int64_t rows, std::int64_t columns, std::string sha256);

  // Code::invalid_argument when none is open.
  const Volume& volume() const;
  const VolumeLabels& labels() const { return labels_; }
  // Lets go of the volume and its memory.
  void close();

 private:
  // Slices of one size that follow one another in memory, as a volume.
  std::span<float> adopt_slices(std::int64_t count, std::int64_t rows, std::int64_t columns, bool is_top_first);

  std::shared_ptr<BufferPool> pool_;
  NiftiReader nifti_;
  ReusedBuffer values_;
  std::optional<Volume> volume_;
  VolumeLabels labels_;
};

}  // namespace gyrus::imaging
