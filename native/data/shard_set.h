// The shards of a curated folder as one list of slices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/npy.h"

namespace gyrus::data {

// Files [n, S, S] of uint16, in C order, all of one S; rows count through them in their order. Read with pread from the
// page cache, never mapped: a mapping of a file that another process cuts off would end this process (io/file.h).
class ShardSet {
 public:
  // Throws Code::file_not_found, file_io, file_format, dtype, shape; invalid_argument when there is no slice.
  explicit ShardSet(const std::vector<std::string>& paths);

  std::size_t rows() const { return ends_.back(); }
  std::size_t size() const { return size_; }  // S
  // `out` [S, S]. Thread-safe. Code::file_io when the file was cut off since.
  void read(std::size_t row, std::span<std::uint16_t> out) const;

 private:
  std::vector<std::unique_ptr<io::NpyReader>> shards_;
  std::vector<std::size_t> ends_;  // the first row behind each shard
  std::size_t size_ = 0;
};

}  // namespace gyrus::data
