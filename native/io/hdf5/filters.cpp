#include "io/hdf5/filters.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/error.h"
#include "io/hdf5/checksums.h"
#include "io/utf8.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::uint64_t kMaxDeflateRatio = 1032;  // 258 bytes from two bits, deflate's densest code
constexpr std::size_t kMaxFilters = 32;           // bits of a chunk's mask
constexpr std::uint64_t kChecksumBytes = 4;

bool is_left_out(std::uint32_t mask, std::size_t index) { return (mask >> index & 1U) != 0; }

std::string shown_name(std::span<const std::byte> name) {
  const std::string_view all(reinterpret_cast<const char*>(name.data()), name.size());
  const std::string_view used = all.substr(0, all.find('\0'));
  return used.empty() ? std::string() : " (" + quoted(used) + ")";
}

Filter parse_filter(Cursor& cursor, std::uint8_t version) {
  const std::uint16_t id = cursor.u16();
  const std::uint64_t name_bytes = version == 1 || id >= 256 ? cursor.u16() : 0;
  cursor.skip(2);  // flags: whether it may be left out, which each chunk's mask repeats
  const std::size_t values = cursor.u16();
  const std::span<const std::byte> name = cursor.take(version == 1 ? (name_bytes + 7) / 8 * 8 : name_bytes);
  GYRUS_CHECK(id >= 1 && id <= 3, Code::file_format, "the data are stored through filter ", id, shown_name(name),
              ", deflate, shuffle and fletcher32 can be read; rewrite the file with h5repack -f GZIP=4");
  Filter filter{static_cast<FilterId>(id), 1};
  for (std::size_t value = 0; value < values; ++value) {
    const std::uint32_t found = cursor.u32();
    if (value == 0) filter.shuffled_bytes = found;
  }
  if (version == 1 && values % 2 != 0) cursor.skip(4);
  GYRUS_CHECK(filter.id != FilterId::shuffle || (values > 0 && filter.shuffled_bytes > 0), Code::file_format,
              "the shuffle filter does not say how many bytes an element has; the file is damaged");
  return filter;
}

template <std::size_t kBytes>
void unshuffle_fixed(const std::byte* in, std::byte* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t byte = 0; byte < kBytes; ++byte) out[i * kBytes + byte] = in[byte * count + i];
  }
}

void unshuffle_any(const std::byte* in, std::byte* out, std::size_t count, std::size_t bytes) {
  for (std::size_t byte = 0; byte < bytes; ++byte) {
    for (std::size_t i = 0; i < count; ++i) out[i * bytes + byte] = in[byte * count + i];
  }
}

}  // namespace

FilterPipeline::FilterPipeline(Cursor cursor) {
  const std::uint8_t version = cursor.version(1, 2);
  const std::size_t count = cursor.u8();
  if (version == 1) cursor.skip(6);
  GYRUS_CHECK(count <= kMaxFilters, Code::file_format, "a filter pipeline has ", count, " filters, at most ",
              kMaxFilters, " were expected; the file is damaged");
  for (std::size_t index = 0; index < count; ++index) filters_.push_back(parse_filter(cursor, version));
  const auto is_deflate = [](const Filter& filter) { return filter.id == FilterId::deflate; };
  GYRUS_CHECK(std::count_if(filters_.begin(), filters_.end(), is_deflate) <= 1, Code::file_format,
              "a filter pipeline deflates twice, once was expected; rewrite the file with h5repack -f GZIP=4");
}

bool FilterPipeline::can_decode(std::uint64_t stored, std::uint32_t mask, std::uint64_t raw) const {
  // `raw` grows by a checksum at a time until it meets deflate; what comes behind it is taken off `stored`.
  bool is_deflated = false;
  std::uint64_t behind = 0;
  for (std::size_t index = 0; index < filters_.size(); ++index) {
    if (is_left_out(mask, index)) continue;
    if (filters_[index].id == FilterId::deflate) is_deflated = true;
    if (filters_[index].id == FilterId::fletcher32) (is_deflated ? behind : raw) += kChecksumBytes;
  }
  if (!is_deflated) return stored == raw;
  return stored > behind && raw / kMaxDeflateRatio <= stored - behind;
}

void ChunkDecoder::FreeInflater::operator()(void* inflater) const noexcept {
  libdeflate_free_decompressor(static_cast<libdeflate_decompressor*>(inflater));
}

ChunkDecoder::ChunkDecoder(const FilterPipeline& pipeline, std::uint64_t raw_bytes)
    : filters_(pipeline.filters()), raw_bytes_(raw_bytes) {}

ChunkDecoder::~ChunkDecoder() = default;

std::span<std::byte> ChunkDecoder::stored(std::uint64_t bytes) {
  bytes_ = bytes;
  if (data_.size() < bytes) data_.resize(static_cast<std::size_t>(bytes));
  return std::span(data_).first(static_cast<std::size_t>(bytes));
}

std::span<const std::byte> ChunkDecoder::decode(std::uint32_t mask) {
  for (std::size_t index = filters_.size(); index-- > 0;) {
    if (!is_left_out(mask, index)) undo(index, mask);
  }
  GYRUS_CHECK(bytes_ == raw_bytes_, Code::file_format, "a chunk decodes to ", bytes_, " bytes, ", raw_bytes_,
              " were expected; the file is damaged: fetch or copy it again");
  return std::span(data_).first(static_cast<std::size_t>(bytes_));
}

void ChunkDecoder::undo(std::size_t index, std::uint32_t mask) {
  switch (filters_[index].id) {
    case FilterId::fletcher32:
      return verify_fletcher32();
    case FilterId::shuffle:
      return unshuffle(filters_[index].shuffled_bytes);
    case FilterId::deflate: {
      std::uint64_t expected = raw_bytes_;
      for (std::size_t before = 0; before < index; ++before) {
        const bool adds = filters_[before].id == FilterId::fletcher32 && !is_left_out(mask, before);
        if (adds) expected += kChecksumBytes;
      }
      return inflate(expected);
    }
  }
}

void ChunkDecoder::verify_fletcher32() {
  GYRUS_CHECK(bytes_ >= kChecksumBytes, Code::file_format, "a chunk has ", bytes_,
              " bytes, too few for its checksum; the file is damaged");
  const std::span<const std::byte> all = std::span(data_).first(static_cast<std::size_t>(bytes_));
  const std::span<const std::byte> content = all.first(all.size() - kChecksumBytes);
  const std::uint32_t stored = Cursor(all.last(kChecksumBytes), "a chunk").u32(), computed = fletcher32(content);
  GYRUS_CHECK(stored == computed, Code::file_format, "a chunk has the Fletcher-32 checksum ", computed, ", ", stored,
              " was stored; the file is damaged: fetch or copy it again");
  bytes_ -= kChecksumBytes;
}

void ChunkDecoder::unshuffle(std::size_t element) {
  const std::size_t bytes = static_cast<std::size_t>(bytes_), count = bytes / element;
  if (element == 1 || count < 2) return;
  if (other_.size() < bytes) other_.resize(bytes);
  const std::byte* const in = data_.data();
  std::byte* const out = other_.data();
  if (element == 2) {
    unshuffle_fixed<2>(in, out, count);
  } else if (element == 4) {
    unshuffle_fixed<4>(in, out, count);
  } else if (element == 8) {
    unshuffle_fixed<8>(in, out, count);
  } else {
    unshuffle_any(in, out, count, element);
  }
  const std::size_t done = count * element;  // bytes beyond the last whole element stay where they are
  std::memcpy(out + done, in + done, bytes - done);
  data_.swap(other_);
}

void ChunkDecoder::inflate(std::uint64_t expected) {
  if (!inflater_) inflater_.reset(libdeflate_alloc_decompressor());
  GYRUS_CHECK(inflater_ != nullptr, Code::out_of_memory, "no memory for the inflater; close other programs");
  GYRUS_CHECK(expected / kMaxDeflateRatio <= bytes_, Code::file_format, "a chunk of ", bytes_,
              " bytes claims to inflate to ", expected, ", more than deflate can reach; the file is damaged");
  if (other_.size() < expected) other_.resize(static_cast<std::size_t>(expected));
  // Without a place for the actual size, anything but exactly `expected` bytes is a failure.
  const libdeflate_result result = libdeflate_zlib_decompress(
      static_cast<libdeflate_decompressor*>(inflater_.get()), data_.data(), static_cast<std::size_t>(bytes_),
      other_.data(), static_cast<std::size_t>(expected), nullptr);
  GYRUS_CHECK(result == LIBDEFLATE_SUCCESS, Code::file_format, "a chunk of ", bytes_, " bytes ",
              result == LIBDEFLATE_BAD_DATA ? "is no valid zlib stream" : "does not inflate to its size", " (",
              expected, " bytes were expected); the file is damaged: fetch or copy it again");
  data_.swap(other_);
  bytes_ = expected;
}

}  // namespace gyrus::io::hdf5
