// What a fuzzer does with one input, shared with the replay of the corpora in tests/io/corpus_replay.cpp. A parser may
// accept the bytes, and what it then says of them must hold, or refuse them with Code::file_format or Code::dtype
// (HDF5, which is asked by name and for shapes, also with Code::name or Code::shape).
// Anything else, an exception of another kind included, ends the process.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/memory_stats.h"
#include "imaging/fastmri_file.h"
#include "imaging/ismrmrd_header.h"
#include "imaging/nifti_file.h"
#include "imaging/slice_extractor.h"
#include "imaging/slice_statistics.h"
#include "io/finite.h"
#include "io/gzip.h"
#include "io/hdf5_file.h"
#include "io/npy.h"
#include "io/safetensors.h"

namespace gyrus::fuzz {

enum class Verdict { accepted, refused };

constexpr std::int64_t kMaxElements = 1 << 16;  // of a tensor that is read, to keep an input fast
constexpr std::int64_t kMaxExamined = 1 << 12;  // voxels

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

// Runs the parser; a refusal of the right kind is a result like any other, and no buffer may outlive it.
template <class Parse>
Verdict verdict_of(Parse parse) {
  const std::int64_t held = memory_stats().host_bytes;
  Verdict verdict = Verdict::accepted;
  try {
    parse();
  } catch (const Error& error) {
    require((error.code() == Code::file_format || error.code() == Code::dtype) && !error.message().empty());
    verdict = Verdict::refused;
  }
  require(memory_stats().host_bytes == held);
  return verdict;
}

inline Verdict run_safetensors(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    const io::SafetensorsReader reader(bytes, "input");
    std::int64_t total = 0;
    for (const io::StoredTensor& tensor : reader.tensors()) {
      require(!tensor.name.empty() && reader.find(tensor.name) == &tensor);
      require(tensor.bytes == tensor.shape.elements() * io::size_of(tensor.type));
      require(tensor.offset >= 8 && tensor.offset + tensor.bytes <= static_cast<std::int64_t>(bytes.size()));
      total += tensor.bytes;
      if (tensor.shape.elements() > kMaxElements) continue;
      std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
      reader.read_f32(tensor, values);
      require(io::find_non_finite(values) < tensor.shape.elements());
    }
    require(total <= static_cast<std::int64_t>(bytes.size()) - 8);
  });
}

inline Verdict run_npy(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    const io::NpyReader reader(bytes, "input");
    const std::int64_t elements = reader.shape().elements();
    require(elements <= static_cast<std::int64_t>(bytes.size()) && reader.dtype().size() == 3);
    std::vector<float> values(static_cast<std::size_t>(std::min(elements, kMaxElements)));
    reader.read_f32(elements - static_cast<std::int64_t>(values.size()), values);
  });
}

// Asks everything of a group and what is below it; tells whether any numbers could be read.
inline bool read_group(const io::Hdf5File& file, const std::string& path, int depth, int& objects) {
  bool is_read = false;
  for (const std::string& name : file.children(path)) {
    if (++objects > 64 || name.empty() || name.find('/') != std::string::npos) break;
    const std::string child = text(path, "/", name);
    try {
      const io::Hdf5Dataset dataset = file.find(child);
      require(dataset.shape().elements() >= 0 && dataset.type().bytes > 0);
      if (dataset.is_whole()) require(dataset.row_elements() * dataset.rows() == dataset.shape().elements());
      if (!dataset.type().is_number()) {
        is_read = !dataset.read_text().empty() || is_read;
        continue;
      }
      const std::int64_t row = dataset.row_elements() * dataset.type().parts();
      if (row == 0 || row > kMaxElements) continue;
      const std::int64_t rows = std::min(dataset.rows(), kMaxElements / row);
      std::vector<float> values(static_cast<std::size_t>(rows * row));
      dataset.read_f32(dataset.rows() - rows, rows, values);
      is_read = true;
    } catch (const Error& error) {
      require(error.code() == Code::file_format || error.code() == Code::dtype || error.code() == Code::shape ||
              error.code() == Code::name);
      if (error.code() == Code::name && depth < 3) is_read = read_group(file, child, depth + 1, objects) || is_read;
    }
  }
  return is_read;
}

// The same bytes as a volume of fastMRI.
inline void read_fastmri(std::span<const std::byte> bytes) {
  const imaging::FastmriFile file(bytes, "input");
  file.attributes();
  const imaging::FastmriImages images = file.rss();
  const std::int64_t elements = images.shape().elements();
  require(elements <= 1032 * static_cast<std::int64_t>(bytes.size()));
  if (elements > kMaxElements) return;
  std::vector<float> values(static_cast<std::size_t>(elements));
  images.read(0, images.shape()[0], values);
  file.header();
  file.mask();
}

// Refused: nothing in the file could be read.
inline Verdict run_hdf5(std::span<const std::byte> bytes) {
  const auto walk = [bytes] {
    const io::Hdf5File file(bytes, "input");
    int objects = 0;
    bool is_read = false;
    try {
      is_read = read_group(file, "", 0, objects);
      for (const char* const name : {"variable", "acquisition", "MATLAB_class"}) {
        is_read = file.text_attribute("/", name).has_value() || is_read;
      }
      is_read = file.number_attribute("/", "max").has_value() || is_read;
      read_fastmri(bytes);
    } catch (const Error& error) {
      require(error.code() == Code::file_format || error.code() == Code::dtype || error.code() == Code::shape ||
              error.code() == Code::name);
    }
    GYRUS_CHECK(is_read, Code::file_format, "nothing could be read");
  };
  return verdict_of(walk);
}

inline Verdict run_ismrmrd(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    const imaging::IsmrmrdHeader header =
        imaging::parse_ismrmrd_header({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    require(header.encoded.x >= 0 && header.recon.z >= 0 && header.padding_right > header.padding_left);
  });
}

// The bytes as a gzip member, hardly compressed: that is cheap, and fuzzing of checksummed data would find little.
inline std::vector<std::byte> gzip_image(std::span<const std::byte> bytes) {
  constexpr int kSmallWindow = 9 + 16, kLeastMemory = 1;
  z_stream stream{};
  require(deflateInit2(&stream, 1, Z_DEFLATED, kSmallWindow, kLeastMemory, Z_DEFAULT_STRATEGY) == Z_OK);
  std::vector<std::byte> packed(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64);
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

// Refused: the stream is damaged, ends early or holds nothing. libdeflate and zlib must agree on what it holds.
inline Verdict run_gzip(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    io::Gunzip gunzip;
    std::vector<std::byte> prefix(kMaxElements), whole;
    const auto found = static_cast<std::size_t>(gunzip.prefix(bytes, prefix, "input"));
    GYRUS_CHECK(found > 0, Code::file_format, "nothing in it");
    prefix.resize(found);
    whole.resize(found);
    const std::size_t skip = found / 3;
    gunzip.read(bytes, static_cast<std::int64_t>(skip), std::span(whole).subspan(skip), "input");
    require(std::equal(whole.begin() + static_cast<std::ptrdiff_t>(skip), whole.end(),
                       prefix.begin() + static_cast<std::ptrdiff_t>(skip)));
    gunzip.read(bytes, 0, whole, "input");
    require(whole == prefix);
  });
}

// Statistics in every plane, and a slice; of volumes of different sizes in different planes, for it costs most.
inline void examine(const imaging::Volume& volume) {
  imaging::SliceStatistician statistician;
  imaging::SliceExtractor extractor;
  for (const auto plane : {imaging::Plane::axial, imaging::Plane::coronal, imaging::Plane::sagittal}) {
    imaging::StatisticsOptions options{.plane = plane, .percentiles = {}, .domain = imaging::EntropyDomain::box};
    const imaging::VolumeStatistics statistics = statistician.examine(volume, options);
    for (const double bits : statistics.entropy) require(bits >= 0 && bits <= 8);
    for (const double share : statistics.foreground) require(share >= 0 && share <= 1);
    if (volume.voxels.count() % 3 != static_cast<int>(plane)) continue;
    const std::int64_t index = imaging::slice_count(volume, plane) - 1;
    std::vector<std::uint16_t> pixels(17 * 17);
    extractor.extract(volume, {plane, statistics.window, 17}, std::span(&index, 1), pixels);
  }
}

// `values` become those of the volume, if it is small.
inline Verdict read_nifti(std::span<const std::byte> bytes, std::vector<float>& values, bool is_examined) {
  return verdict_of([bytes, &values, is_examined] {
    imaging::NiftiReader reader;
    const io::InputFile file(bytes, "input");
    const imaging::Volume volume = reader.read_single(file, 0);
    const std::int64_t count = volume.voxels.count();
    require(count > 0 && count <= io::kMaxInflation * static_cast<std::int64_t>(bytes.size()));
    require(volume.sha256.size() == 64);
    for (const double mm : imaging::spacing_of(volume.affine)) require(mm > 0);
    if (count > kMaxExamined) return;
    values.resize(static_cast<std::size_t>(count));
    imaging::read_canonical(volume, values);
    if (is_examined) examine(volume);
  });
}

// A plain file is read packed too: the same must come of it.
inline Verdict run_nifti(std::span<const std::byte> bytes) {
  std::vector<float> values, unpacked;
  const Verdict verdict = read_nifti(bytes, values, true);
  if (io::is_gzip(bytes)) return verdict;
  require(read_nifti(gzip_image(bytes), unpacked, false) == verdict && unpacked.size() == values.size());
  require(values.empty() || std::memcmp(values.data(), unpacked.data(), values.size() * sizeof(float)) == 0);
  return verdict;
}

}  // namespace gyrus::fuzz
