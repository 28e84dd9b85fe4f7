#include "imaging/volume_reader.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "imaging/fastmri_file.h"
#include "io/npy.h"
#include "io/sha256.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kChunkCopies = 3;  // of a chunk while it is decoded: as stored, and before and after a filter

// Slices of one size, as f32.
Announced announced_slices(std::int64_t count, std::int64_t rows, std::int64_t columns) {
  return {Shape{count, rows, columns, static_cast<std::int64_t>(sizeof(float))}.elements(), {columns, rows, count}};
}

FastmriImages images_of(const FastmriFile& file, const std::string& path) {
  FastmriImages images = file.rss();
  GYRUS_CHECK(images.shape().elements() > 0, Code::shape, path, " has reconstruction_rss of shape ", images.shape(),
              ": there is no pixel in it");
  return images;
}

Announced announced_images(const FastmriImages& images) {
  const Shape& shape = images.shape();
  Announced announced = announced_slices(shape[0], shape[1], shape[2]);
  announced.bytes += kChunkCopies * images.chunk_bytes();
  return announced;
}

Announced announced_array(const io::NpyReader& reader, const std::string& path) {
  const Shape& shape = reader.shape();
  GYRUS_CHECK((shape.rank() == 2 || shape.rank() == 3) && shape.elements() > 0, Code::shape, path, " has shape ", shape,
              "; slices are [n, height, width] or [height, width]");
  return announced_slices(shape.rank() == 3 ? shape[0] : 1, shape[-2], shape[-1]);
}

}  // namespace

VolumeReader::VolumeReader(std::shared_ptr<BufferPool> pool) : pool_(std::move(pool)), nifti_(pool_), values_(pool_) {}

void VolumeReader::close() {
  volume_.reset();
  labels_ = {};
  nifti_.release();
  values_.release();
}

Announced VolumeReader::announced_fastmri(const std::string& path) const {
  const FastmriFile file(path);
  const Announced announced = announced_images(images_of(file, path));
  pool_->check(announced.bytes, path);
  return announced;
}

Announced VolumeReader::announced_npy(const std::string& path) const {
  const Announced announced = announced_array(io::NpyReader(path), path);
  pool_->check(announced.bytes, path);
  return announced;
}

void VolumeReader::open_nifti(const std::string& path, std::int64_t frame) {
  volume_.reset();
  labels_ = {};
  volume_ = nifti_.read(path, frame);
}

std::array<std::optional<Error>, 2> VolumeReader::open_nifti_both(VolumeReader& first, const std::string& path,
                                                                  VolumeReader& second, const std::string& other,
                                                                  std::int64_t frame) {
  const std::array<VolumeReader*, 2> readers = {&first, &second};
  for (VolumeReader* const reader : readers) {
    reader->volume_.reset();
    reader->labels_ = {};
  }
  auto results = NiftiReader::read_both(first.nifti_, path, second.nifti_, other, frame);
  std::array<std::optional<Error>, 2> errors;
  for (std::size_t i = 0; i < 2; ++i) {
    if (auto* const volume = std::get_if<Volume>(&results[i])) {
      readers[i]->volume_ = std::move(*volume);
    } else {
      errors[i] = std::get<Error>(results[i]);
    }
  }
  return errors;
}

std::span<float> VolumeReader::adopt_slices(std::int64_t count, std::int64_t rows, std::int64_t columns,
                                            bool is_top_first) {
  const std::int64_t elements = Shape{count, rows, columns}.elements();
  const std::span<std::byte> bytes = values_.take(Shape{elements, static_cast<std::int64_t>(sizeof(float))}.elements());
  Volume volume;
  volume.voxels.data = bytes.data();
  volume.voxels.extents = {columns, rows, count};
  volume.orientation[1].is_flipped = is_top_first;
  volume_ = std::move(volume);
  return {reinterpret_cast<float*>(bytes.data()), static_cast<std::size_t>(elements)};
}

void VolumeReader::open_fastmri(const std::string& path) {
  volume_.reset();
  const FastmriFile file(path);
  const FastmriImages images = images_of(file, path);
  labels_ = {file.acquisition().value_or(""), file.patient_id().value_or("")};
  const Shape& shape = images.shape();
  pool_->check(announced_images(images).bytes, path);
  try {
    const std::span<float> values = adopt_slices(shape[0], shape[1], shape[2], false);
    images.read(0, shape[0], values);
    volume_->sha256 = io::sha256_hex(std::as_bytes(values));
  } catch (...) {
    volume_.reset();
    throw;
  }
}

void VolumeReader::open_npy(const std::string& path) {
  volume_.reset();
  labels_ = {};
  const io::NpyReader reader(path);
  const Announced announced = announced_array(reader, path);
  pool_->check(announced.bytes, path);
  try {
    const auto [columns, rows, count] = announced.extents;
    const std::span<float> values = adopt_slices(count, rows, columns, true);
    reader.read_f32(0, values);
    volume_->sha256 = io::sha256_hex(std::as_bytes(values));
  } catch (...) {
    volume_.reset();
    throw;
  }
}

void VolumeReader::open_image(std::span<const float> pixels, std::int64_t rows, std::int64_t columns,
                              std::string sha256) {
  volume_.reset();
  labels_ = {};
  GYRUS_CHECK(rows > 0 && columns > 0 && Shape({rows, columns}).elements() == static_cast<std::int64_t>(pixels.size()),
              Code::shape, "an image of ", rows, " x ", columns, " pixels does not fit ", pixels.size(), " values");
  std::ranges::copy(pixels, adopt_slices(1, rows, columns, true).begin());
  volume_->sha256 = std::move(sha256);
}

const Volume& VolumeReader::volume() const {
  GYRUS_CHECK(volume_.has_value(), Code::invalid_argument, "no volume is open; open one first");
  return *volume_;
}

}  // namespace gyrus::imaging
