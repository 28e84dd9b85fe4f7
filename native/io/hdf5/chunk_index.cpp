#include "io/hdf5/chunk_index.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

std::vector<ChunkEntry> read_single(const ChunkedArray& array) {
  const Layout& layout = array.layout;
  GYRUS_CHECK(array.grid.count() <= 1, Code::file_format, "the array has ", array.grid.count(),
              " chunks, its index is for one; the file is damaged");
  if (layout.address == kNoAddress || array.grid.count() == 0) return {};
  const std::uint64_t bytes = layout.has_single_bytes ? layout.single_bytes : array.chunk_bytes;
  return {{0, layout.address, bytes, layout.single_mask}};
}

}  // namespace

ChunkGrid::ChunkGrid(const Shape& shape, std::span<const std::uint64_t> chunk) : chunk_(chunk.begin(), chunk.end()) {
  GYRUS_ASSERT(static_cast<std::size_t>(shape.rank()) == chunk.size() && !chunk.empty());
  for (const std::int64_t extent : shape.extents()) extents_.push_back(static_cast<std::uint64_t>(extent));
  counts_.resize(chunk_.size());
  strides_.resize(chunk_.size());
  count_ = shape.elements() == 0 ? 0 : 1;  // with elements, no product below exceeds their number
  for (std::size_t axis = chunk_.size(); axis-- > 0;) {
    counts_[axis] = extents_[axis] / chunk_[axis] + (extents_[axis] % chunk_[axis] != 0 ? 1 : 0);
    strides_[axis] = count_;
    count_ *= counts_[axis];
  }
}

std::vector<std::uint64_t> ChunkGrid::place_of(std::uint64_t number) const {
  std::vector<std::uint64_t> place(chunk_.size());
  for (std::size_t axis = chunk_.size(); axis-- > 0;) {
    place[axis] = number % counts_[axis];
    number /= counts_[axis];
  }
  return place;
}

std::optional<std::uint64_t> ChunkGrid::number_of(std::span<const std::uint64_t> place) const {
  std::uint64_t number = 0;
  for (std::size_t axis = 0; axis < chunk_.size(); ++axis) {
    if (count_ == 0 || place[axis] >= counts_[axis]) return std::nullopt;
    number += place[axis] * strides_[axis];
  }
  return number;
}

bool ChunkGrid::is_cut(std::uint64_t number) const {
  const std::vector<std::uint64_t> place = place_of(number);
  for (std::size_t axis = 0; axis < chunk_.size(); ++axis) {
    if (place[axis] + 1 == counts_[axis] && extents_[axis] % chunk_[axis] != 0) return true;
  }
  return false;
}

ChunkIndex::ChunkIndex(const ChunkedArray& array) : chunk_bytes_(array.chunk_bytes), count_(array.grid.count()) {
  if (count_ == 0) return;
  if (array.layout.address != kNoAddress) {
    switch (array.layout.index) {
      case IndexKind::btree_1:
        entries_ = read_btree_1(array);
        break;
      case IndexKind::single:
        entries_ = read_single(array);
        break;
      case IndexKind::implicit:
        add_implicit(array);
        break;
      case IndexKind::fixed_array:
        entries_ = read_fixed_array(array);
        break;
    }
  }
  check(array);
  is_whole_ = implicit_address_ != kNoAddress || entries_.size() == count_;
}

// Chunks without filters, one behind the other: nothing to read.
void ChunkIndex::add_implicit(const ChunkedArray& array) {
  constexpr std::string_view kWhat = "the data of an implicit chunk index";
  for (std::size_t axis = 0; axis < array.grid.rank(); ++axis) {
    // Numbers would count in the grid of the greatest extents.
    GYRUS_CHECK(
        array.max_extents[axis] == array.grid.extent(axis), Code::file_format,
        "the chunks of an implicit index may still grow, which is not supported; rewrite the file with h5repack");
  }
  GYRUS_CHECK(array.filters.filters().empty(), Code::file_format,
              "the chunks pass through filters, an implicit index has none; the file is damaged");
  std::uint64_t bytes = 0;
  GYRUS_CHECK(!__builtin_mul_overflow(count_, chunk_bytes_, &bytes), Code::file_format, kWhat,
              " has 2^64 bytes or more; the file is damaged");
  array.image.require(array.layout.address, bytes, kWhat);
  implicit_address_ = array.layout.address;
}

void ChunkIndex::check(const ChunkedArray& array) {
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  std::uint64_t total = 0;
  const ChunkEntry* last = nullptr;
  for (ChunkEntry& entry : entries_) {
    GYRUS_CHECK(last == nullptr || last->number != entry.number, Code::file_format, "chunk ", entry.number,
                " is in the index twice; the file is damaged");
    last = &entry;
    array.image.require(entry.address, entry.bytes, "a chunk");
    if (array.layout.leaves_edges_raw && array.grid.is_cut(entry.number)) entry.mask = UINT32_MAX;
    GYRUS_CHECK(array.filters.can_decode(entry.bytes, entry.mask, chunk_bytes_), Code::file_format, "chunk ",
                entry.number, " has ", entry.bytes, " bytes in the file, which cannot decode to the ", chunk_bytes_,
                " of a chunk; the file is damaged");
    total += entry.bytes;  // neither overflows: each is at most the file's size, and the sum stops above it
    GYRUS_CHECK(total <= array.image.size(), Code::file_format,
                "the chunks overlap: together they have more bytes than the file; the file is damaged");
  }
}

std::optional<ChunkEntry> ChunkIndex::find(std::uint64_t number) const {
  if (implicit_address_ != kNoAddress) {
    return ChunkEntry{number, implicit_address_ + number * chunk_bytes_, chunk_bytes_, 0};
  }
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), number,
                       [](const ChunkEntry& entry, std::uint64_t wanted) { return entry.number < wanted; });
  if (found == entries_.end() || found->number != number) return std::nullopt;
  return *found;
}

}  // namespace gyrus::io::hdf5
