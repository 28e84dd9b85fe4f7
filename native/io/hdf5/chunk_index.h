// Which chunk of a dataset lies where: the grid of chunks, and the index read once when a dataset is opened.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/shape.h"
#include "io/hdf5/filters.h"
#include "io/hdf5/layout.h"

namespace gyrus::io::hdf5 {

// Chunks are numbered in row-major order of their places.
class ChunkGrid {
 public:
  ChunkGrid() = default;
  // `chunk` has the array's rank.
  ChunkGrid(const Shape& shape, std::span<const std::uint64_t> chunk);

  std::size_t rank() const { return chunk_.size(); }
  std::uint64_t count() const { return count_; }
  std::uint64_t chunk(std::size_t axis) const { return chunk_[axis]; }
  std::uint64_t extent(std::size_t axis) const { return extents_[axis]; }  // of the array
  // Chunks in one layer along the first axis.
  std::uint64_t layer() const { return strides_[0]; }
  // Place of a chunk along each axis.
  std::vector<std::uint64_t> place_of(std::uint64_t number) const;
  // nullopt when there is no such place.
  std::optional<std::uint64_t> number_of(std::span<const std::uint64_t> place) const;
  bool is_cut(std::uint64_t number) const;  // reaches over the array's end

 private:
  std::vector<std::uint64_t> chunk_, extents_, counts_, strides_;
  std::uint64_t count_ = 0;
};

struct ChunkEntry {
  std::uint64_t number = 0, address = kNoAddress, bytes = 0;  // bytes as stored
  std::uint32_t mask = 0;                                     // of the filters that were left out
};

// What the readers of the single kinds of index need.
struct ChunkedArray {
  const Image& image;
  const Layout& layout;
  const FilterPipeline& filters;
  const ChunkGrid& grid;
  std::uint64_t chunk_bytes = 0;  // raw
  std::span<const std::uint64_t> max_extents;
};

class ChunkIndex {
 public:
  ChunkIndex() = default;
  // Reads the whole index and checks every entry: in the file, once, of a size that the filters can give, and all
  // together no larger than the file. Throws Code::file_format.
  explicit ChunkIndex(const ChunkedArray& array);

  // nullopt: never written, its elements have the fill value.
  std::optional<ChunkEntry> find(std::uint64_t number) const;
  bool is_whole() const { return is_whole_; }

 private:
  void add_implicit(const ChunkedArray& array);
  void check(const ChunkedArray& array);

  std::vector<ChunkEntry> entries_;              // by number
  std::uint64_t implicit_address_ = kNoAddress;  // chunks lie in order from here
  std::uint64_t chunk_bytes_ = 0, count_ = 0;
  bool is_whole_ = true;
};

// The single kinds of index; entries in the file's order.
std::vector<ChunkEntry> read_btree_1(const ChunkedArray& array);
std::vector<ChunkEntry> read_fixed_array(const ChunkedArray& array);

}  // namespace gyrus::io::hdf5
