// What the fuzzers of HDF5 and of ISMRMRD headers do with one input; in all else as targets.h.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "fuzz/targets.h"
#include "imaging/fastmri_file.h"
#include "imaging/ismrmrd_header.h"
#include "io/hdf5_file.h"
#include "io/utf8.h"

namespace gyrus::fuzz {

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

// A slice of k-space.
inline void read_kspace(const imaging::FastmriFile& file, std::size_t file_bytes) {
  const imaging::FastmriKspace kspace = file.kspace();
  const Shape& shape = kspace.shape();
  require(shape.rank() == 4 && shape.elements() <= 1032 * static_cast<std::int64_t>(file_bytes));
  const std::int64_t elements = shape[0] == 0 ? 0 : shape.elements() / shape[0];
  if (elements == 0 || elements > kMaxElements) return;
  std::vector<float> values(2 * static_cast<std::size_t>(elements));
  kspace.read_slice(shape[0] - 1, values);
}

// The same bytes as a volume of fastMRI.
inline void read_fastmri(std::span<const std::byte> bytes) {
  const imaging::FastmriFile file(bytes, "input");
  if (file.has_kspace()) read_kspace(file, bytes.size());
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
    require(header.encoded.matrix.x >= 0 && header.recon.matrix.z >= 0);
    if (header.limits) require(header.limits->padding_right > header.limits->padding_left);
    for (const std::string& words : {header.trajectory, header.protocol, header.sequence.type, header.scanner.vendor}) {
      require(io::is_utf8(words));
    }
    for (const double ms : header.sequence.echo_times) require(ms >= 0 && ms <= 1e9);
  });
}

}  // namespace gyrus::fuzz
