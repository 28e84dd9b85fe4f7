// The filter pipeline of a chunked dataset: deflate, shuffle, fletcher32; everything else is refused by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "io/hdf5/cursor.h"

namespace gyrus::io::hdf5 {

enum class FilterId : std::uint16_t { deflate = 1, shuffle = 2, fletcher32 = 3 };

struct Filter {
  FilterId id;
  std::uint32_t shuffled_bytes;  // of an element; for shuffle
};

// In the order in which they were applied when the chunks were written.
class FilterPipeline {
 public:
  FilterPipeline() = default;
  // Throws Code::file_format for damage and for other filters.
  explicit FilterPipeline(Cursor cursor);

  std::span<const Filter> filters() const { return filters_; }
  // Whether `stored` bytes with the mask of filters left out may decode to `raw` ones: exactly, or within what deflate
  // can reach. What decoding allocates is bounded by it.
  bool can_decode(std::uint64_t stored, std::uint32_t mask, std::uint64_t raw) const;

 private:
  std::vector<Filter> filters_;
};

// Undoes the filters of one chunk after another; holds the buffers and the inflater. For one thread.
class ChunkDecoder {
 public:
  ChunkDecoder(const FilterPipeline& pipeline, std::uint64_t raw_bytes);
  ~ChunkDecoder();
  ChunkDecoder(const ChunkDecoder&) = delete;
  ChunkDecoder& operator=(const ChunkDecoder&) = delete;

  // Room for the stored bytes, to be filled by the caller before decode().
  std::span<std::byte> stored(std::uint64_t bytes);
  // The chunk's raw bytes, valid until the next call. Throws Code::file_format.
  std::span<const std::byte> decode(std::uint32_t mask);

 private:
  void undo(std::size_t index, std::uint32_t mask);
  void verify_fletcher32();
  void unshuffle(std::size_t element);
  void inflate(std::uint64_t expected);

  struct FreeInflater {
    void operator()(void* inflater) const noexcept;
  };
  std::span<const Filter> filters_;
  std::uint64_t raw_bytes_;
  std::unique_ptr<void, FreeInflater> inflater_;
  std::vector<std::byte> data_, other_;  // the chunk as far as it is decoded, and where the next stage goes
  std::uint64_t bytes_ = 0;              // of data_ in use
};

}  // namespace gyrus::io::hdf5
