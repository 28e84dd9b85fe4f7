// An array of elements as a dataset stores it, whatever its layout: slabs of it are visited in runs of raw elements.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/shape.h"
#include "io/hdf5/chunk_index.h"
#include "io/hdf5/element_type.h"
#include "io/hdf5/object_header.h"

namespace gyrus::io::hdf5 {

// Indexes [first, first + count) of the first axis, all of the others.
struct Slab {
  std::int64_t first, count;
};

class StoredArray {
 public:
  // Reads type, space, layout, filters and the chunk index of a dataset, and checks that each stored element lies in
  // the file. Throws Code::file_format, Code::shape.
  StoredArray(std::shared_ptr<const Image> image, const ObjectHeader& header);

  const Shape& shape() const { return shape_; }
  const ElementType& type() const { return type_; }
  // No element stands for the fill value: all were written, so the array's size is justified by the file's.
  bool is_whole() const;
  // A scalar is one index of one element.
  std::int64_t rows() const { return shape_.rank() == 0 ? 1 : shape_[0]; }
  std::int64_t row_elements() const;
  std::uint64_t chunk_bytes() const { return chunk_bytes_; }  // 0: not chunked
  // One element's bytes where nothing was written; empty: zeros.
  std::span<const std::byte> fill() const { return fill_; }
  const Image& image() const { return *image_; }

  // Elements one behind the other in the file from this address, when they are stored so.
  bool is_contiguous() const { return layout_.layout_class == LayoutClass::contiguous && is_whole(); }
  void read_contiguous(std::int64_t first_element, std::span<std::byte> out) const;

  // Calls the sink with raw elements and the place of the first within the slab, in elements. Elements that were never
  // written are left out. Memory: one chunk's, bounded by what its stored bytes can decode to.
  using Sink = std::function<void(std::int64_t element, std::span<const std::byte> raw)>;
  void visit(Slab slab, const Sink& sink) const;

 private:
  void read_layout(const ObjectHeader& header, std::span<const std::uint64_t> max_extents);
  void open_chunks(const ObjectHeader& header, std::span<const std::uint64_t> max_extents);
  void read_fill(const ObjectHeader& header);
  void visit_contiguous(Slab slab, const Sink& sink) const;
  void visit_chunks(Slab slab, const Sink& sink) const;
  void visit_chunk(Slab slab, std::uint64_t number, std::span<const std::byte> raw, const Sink& sink) const;

  std::shared_ptr<const Image> image_;
  Shape shape_;
  ElementType type_;
  Layout layout_;
  FilterPipeline filters_;
  std::uint64_t chunk_bytes_ = 0;
  ChunkGrid grid_;
  ChunkIndex index_;
  std::vector<std::byte> fill_;
};

}  // namespace gyrus::io::hdf5
