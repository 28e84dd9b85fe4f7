// The chunk index "fixed array" of layout versions 4 and 5, paged or not, for chunks with and without filters.
#include <algorithm>
#include <string_view>

#include "core/error.h"
#include "io/hdf5/chunk_index.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kHeader = "the header of a fixed array", kBlock = "the data block of a fixed array",
                           kPage = "a page of a fixed array";

struct Header {
  bool is_filtered = false;
  std::uint64_t entry_bytes = 0, page_entries = 0, entries = 0, block = kNoAddress;
};

class FixedArray {
 public:
  explicit FixedArray(const ChunkedArray& array) : array_(array), walk_(array.image) {}

  std::vector<ChunkEntry> read() {
    read_header();
    if (header_.block == kNoAddress) return {};
    const std::uint64_t prefix = 4 + 1 + 1 + array_.image.widths().address;
    array_.image.require(header_.block, prefix, kBlock);
    // Every entry takes bytes of the file, so this bounds their number before anything is computed from it.
    GYRUS_CHECK(header_.entries <= array_.image.size() / header_.entry_bytes, Code::file_format, kBlock, " claims ",
                header_.entries, " entries, more than the file holds; the file is damaged");
    if (header_.entries <= header_.page_entries) {
      const std::vector<std::byte> block =
          walk_.read(header_.block, prefix + header_.entries * header_.entry_bytes + 4, kBlock);
      Cursor cursor = checked(block, kBlock);
      read_prefix(cursor);
      read_entries(cursor, 0, header_.entries);
    } else {
      read_pages(prefix);
    }
    return std::move(entries_);
  }

 private:
  Cursor checked(std::span<const std::byte> bytes, std::string_view what) const {
    return walk_.cursor(without_checksum(bytes, what), what);
  }

  void read_header() {
    const Widths widths = array_.image.widths();
    const std::uint64_t bytes = 4 + 4 + widths.length + widths.address + 4;
    const std::vector<std::byte> stored = walk_.read(array_.layout.address, bytes, kHeader);
    Cursor cursor = checked(stored, kHeader);
    cursor.expect_signature("FAHD");
    cursor.version(0, 0);
    const std::uint8_t client = cursor.u8();
    header_.is_filtered = client == 1;
    header_.entry_bytes = cursor.u8();
    const unsigned page_bits = cursor.u8();
    header_.entries = cursor.length();
    header_.block = cursor.address();
    const std::uint64_t address = widths.address;
    const bool fits = header_.is_filtered ? header_.entry_bytes > address + 4 && header_.entry_bytes <= address + 12
                                          : header_.entry_bytes == address;
    GYRUS_CHECK(client <= 1 && header_.is_filtered == !array_.filters.filters().empty() && fits && page_bits < 32,
                Code::file_format, kHeader, " is for client ", int{client}, " with entries of ", header_.entry_bytes,
                " bytes, which does not fit the dataset's filters; the file is damaged");
    header_.page_entries = std::uint64_t{1} << page_bits;
  }

  void read_prefix(Cursor& cursor) const {
    cursor.expect_signature("FADB");
    cursor.version(0, 0);
    cursor.skip(1 + array_.image.widths().address);  // client, address of the header
  }

  // Behind the prefix: a bit for each page that was written, a checksum, and the pages, each with its own checksum.
  void read_pages(std::uint64_t prefix) {
    const std::uint64_t pages = (header_.entries + header_.page_entries - 1) / header_.page_entries;
    const std::uint64_t bitmap_bytes = (pages + 7) / 8;
    const std::vector<std::byte> block = walk_.read(header_.block, prefix + bitmap_bytes + 4, kBlock);
    Cursor cursor = checked(block, kBlock);
    read_prefix(cursor);
    const std::span<const std::byte> bitmap = cursor.take(bitmap_bytes);
    std::uint64_t address = header_.block + block.size();
    for (std::uint64_t page = 0; page < pages; ++page) {
      const std::uint64_t first = page * header_.page_entries;
      const std::uint64_t count = std::min(header_.page_entries, header_.entries - first);
      const std::uint64_t bytes = count * header_.entry_bytes + 4;
      const unsigned bits = std::to_integer<unsigned>(bitmap[static_cast<std::size_t>(page / 8)]);
      if ((bits >> (7 - page % 8) & 1U) != 0) {
        const std::vector<std::byte> stored = walk_.read(address, bytes, kPage);
        Cursor entries = checked(stored, kPage);
        read_entries(entries, first, count);
      }
      address += header_.page_entries * header_.entry_bytes + 4;
    }
  }

  void read_entries(Cursor& cursor, std::uint64_t first, std::uint64_t count) {
    // Without filters entries are addresses only.
    const std::uint64_t size_bytes = header_.is_filtered ? header_.entry_bytes - array_.image.widths().address - 4 : 0;
    for (std::uint64_t index = first; index < first + count; ++index) {
      ChunkEntry entry;
      entry.address = cursor.address();
      entry.bytes = header_.is_filtered ? cursor.unsigned_of(size_bytes) : array_.chunk_bytes;
      entry.mask = header_.is_filtered ? cursor.u32() : 0;
      if (entry.address == kNoAddress) continue;
      const std::optional<std::uint64_t> number = number_of(index);
      GYRUS_CHECK(number.has_value(), Code::file_format, "a chunk lies outside of the array; the file is damaged");
      entry.number = *number;
      entries_.push_back(entry);
    }
  }

  // Indexes count in the grid of the greatest extents, numbers in that of the present ones.
  std::optional<std::uint64_t> number_of(std::uint64_t index) const {
    std::vector<std::uint64_t> place(array_.grid.rank());
    for (std::size_t axis = place.size(); axis-- > 0;) {
      const std::uint64_t extent = array_.max_extents[axis], chunk = array_.grid.chunk(axis);
      const std::uint64_t count = extent / chunk + (extent % chunk != 0 ? 1 : 0);
      place[axis] = index % count;
      index /= count;
    }
    return index == 0 ? array_.grid.number_of(place) : std::nullopt;
  }

  const ChunkedArray& array_;
  Walk walk_;
  Header header_;
  std::vector<ChunkEntry> entries_;
};

}  // namespace

std::vector<ChunkEntry> read_fixed_array(const ChunkedArray& array) { return FixedArray(array).read(); }

}  // namespace gyrus::io::hdf5
