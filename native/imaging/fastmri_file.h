// A volume of the fastMRI archives (and of M4Raw, which has the same form): k-space, the root-sum-of-squares images
// made from it, and what is said of them (science.md C1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/shape.h"
#include "imaging/ismrmrd_header.h"
#include "io/hdf5_file.h"

namespace gyrus::imaging {

struct FastmriAttributes {
  std::optional<std::string> acquisition;  // "AXT2"
  std::optional<double> max, norm;         // of reconstruction_rss
  std::optional<std::string> patient_id;
  std::optional<double> acceleration;  // of test files
};

// [slices, height, width] real numbers.
class FastmriImages {
 public:
  const Shape& shape() const { return images_.shape(); }
  std::int64_t chunk_bytes() const { return images_.chunk_bytes(); }
  // `out` has count * height * width floats (Code::shape). Thread-safe, as all reading here.
  void read(std::int64_t first, std::int64_t count, std::span<float> out) const { images_.read_f32(first, count, out); }

 private:
  friend class FastmriFile;
  explicit FastmriImages(io::Hdf5Dataset images) : images_(std::move(images)) {}
  io::Hdf5Dataset images_;
};

// [slices, coils, height (readout), width (phase)] complex numbers; single-coil files, which have no axis of coils,
// have one.
class FastmriKspace {
 public:
  const Shape& shape() const { return shape_; }
  std::int64_t chunk_bytes() const { return kspace_.chunk_bytes(); }
  // `out` has 2 * coils * height * width floats (Code::shape), of each number the real part first. What is stored more
  // precisely is rounded.
  void read_slice(std::int64_t slice, std::span<float> out) const { kspace_.read_f32(slice, 1, out); }

 private:
  friend class FastmriFile;
  explicit FastmriKspace(io::Hdf5Dataset kspace);
  io::Hdf5Dataset kspace_;
  Shape shape_;
};

// What is asked for is looked up when it is asked for: a file without k-space still gives its images. Arrays that are
// not completely stored are refused (Code::file_format), so their sizes are justified by the file's.
class FastmriFile {
 public:
  // Throws Code::file_not_found, Code::file_io, Code::file_format.
  explicit FastmriFile(const std::string& path) : file_(path) {}
  FastmriFile(std::span<const std::byte> bytes, std::string label) : file_(bytes, std::move(label)) {}

  FastmriAttributes attributes() const;
  // One of them alone: what is wrong with the others is not looked at.
  std::optional<std::string> acquisition() const { return text_attribute("acquisition"); }
  std::optional<std::string> patient_id() const { return text_attribute("patient_id"); }
  // nullopt: the file has no ismrmrd_header.
  std::optional<IsmrmrdHeader> header() const;
  // Code::name when reconstruction_rss is missing; reconstruction_esc, the single-coil images, does not stand in for
  // it.
  FastmriImages rss() const;
  bool has_kspace() const { return file_.has("kspace"); }
  FastmriKspace kspace() const;  // Code::name when it is missing
  // Of test files, one number a column of k-space, 0: not measured; nullopt: the file has none.
  std::optional<std::vector<float>> mask() const;

 private:
  std::optional<std::string> text_attribute(std::string_view name) const;
  // Of one of these ranks; `axes` says which they are.
  io::Hdf5Dataset array(std::string_view name, io::hdf5::ElementKind kind, std::string_view axes,
                        std::initializer_list<int> ranks) const;

  io::Hdf5File file_;
};

}  // namespace gyrus::imaging
