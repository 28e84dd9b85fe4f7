// HDF5, read only: what the fastMRI archives and MATLAB's v7.3 files hold, written from the HDF5 File Format
// Specification. Superblocks 0 to 3 with a user block, groups by symbol table and compact links, datasets compact,
// contiguous and chunked (v1 B-tree, single, implicit, fixed array), deflate, shuffle, fletcher32, attributes. What is
// not supported (dense groups, other indexes and filters, soft and external links, external and virtual storage) is an
// error that says so: links are never followed out of the file. Same rules of distrust as safetensors.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "io/hdf5/element_type.h"

namespace gyrus::io {

// An array of the file; outlives the Hdf5File it came from. Reading is thread-safe.
class Hdf5Dataset {
 public:
  const Shape& shape() const;  // outermost axis first, as h5py shows it; rank 0: one element
  const hdf5::ElementType& type() const;
  const std::string& where() const;  // "scan.h5: /kspace", for messages
  // All elements were written. Otherwise some have the fill value, and the array may be larger than the file justifies:
  // check before allocating its size. A whole array has at most 1032 times the file's bytes.
  bool is_whole() const;
  std::int64_t rows() const;          // indexes of the first axis; 1 for a scalar
  std::int64_t row_elements() const;  // elements of one of them
  std::int64_t chunk_bytes() const;   // of a chunk, decoded, which reading holds in memory; 0: not chunked

  // Rows [first, first + count) as f32; complex numbers give two floats, real part first. `out` has count *
  // row_elements() floats, twice as many when complex (Code::shape). Code::dtype for anything but numbers,
  // Code::invalid_argument for rows that are not there, Code::file_format for damaged chunks.
  void read_f32(std::int64_t first, std::int64_t count, std::span<float> out) const;
  // The same rows as the file stores them, type().bytes an element.
  void read_bytes(std::int64_t first, std::int64_t count, std::span<std::byte> out) const;
  // The only element's characters, up to a NUL, in whatever character set they are. Code::shape when there are more
  // elements, Code::dtype when it is no text.
  std::string read_text() const;

 private:
  friend class Hdf5File;
  struct State;
  explicit Hdf5Dataset(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

class Hdf5File {
 public:
  // Throws Code::file_not_found, Code::file_io, Code::file_format.
  explicit Hdf5File(const std::string& path);
  // The same over bytes in memory that outlive the file and its datasets; `label` stands for the path in messages.
  Hdf5File(std::span<const std::byte> bytes, std::string label);
  ~Hdf5File();
  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;

  const std::string& label() const;
  // Paths go from the root group through groups: "kspace", "/cjdata/image". Unless stated otherwise a path that is not
  // there is Code::name with the names that are; one through a soft or external link is Code::file_format.
  // Names of the links in a group, in the file's order; not decoded, quoted() makes them fit for a message.
  std::vector<std::string> children(std::string_view path = "/") const;
  bool has(std::string_view path) const;
  Hdf5Dataset find(std::string_view path) const;
  // An attribute of a group or dataset; nullopt: not there. Code::dtype for another type, Code::shape unless it has one
  // element.
  std::optional<double> number_attribute(std::string_view path, std::string_view name) const;
  std::optional<std::string> text_attribute(std::string_view path, std::string_view name) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace gyrus::io
