// Reading safetensors: the header against the file's bytes, then tensors on demand.
#include <algorithm>
#include <array>
#include <cstring>

#include "core/aligned_buffer.h"
#include "io/file.h"
#include "io/json_header.h"
#include "io/safetensors.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

constexpr std::int64_t kLengthBytes = 8;
constexpr std::int64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit too
constexpr std::string_view kTruncated = "the file is truncated: fetch or copy it again";
constexpr std::string_view kFaulty = "the file's writer is faulty: save it with the safetensors library";

// What a file that is no safetensors file probably is, and what to do then.
std::string_view other_format_remedy(const InputFile& file) {
  struct Known {
    std::string_view magic, remedy;
  };
  constexpr std::array<Known, 7> kKnown{{
      {"PK\x03\x04",
       "this is a zip archive, as PyTorch saves: load it there and save it with safetensors.torch.save_file"},
      {"\x80\x02\x8a\x0a", "this is an old PyTorch file: load it there and save it with safetensors.torch.save_file"},
      {"\x89HDF", "this is an HDF5 file: convert its arrays with safetensors.numpy.save_file"},
      {"\x93NUMPY", "this is a NumPy array: save it with safetensors.numpy.save_file"},
      {"version https://git-lfs", "this is a Git LFS pointer, not the file itself: run git lfs pull"},
      {"<!", "this looks like a web page: check the address that it was downloaded from"},
      {"<html", "this looks like a web page: check the address that it was downloaded from"},
  }};
  std::array<char, 32> first{};
  const std::size_t count = static_cast<std::size_t>(std::min<std::int64_t>(file.size(), first.size()));
  file.read_at(0, std::as_writable_bytes(std::span(first)).first(count));
  for (const Known& known : kKnown) {
    if (std::string_view(first.data(), count).starts_with(known.magic)) return known.remedy;
  }
  return "the file is damaged or of another format: fetch it again or save it with the safetensors library";
}

// The header's length in bytes, which lies within the file.
std::int64_t read_header_length(const InputFile& file) {
  GYRUS_CHECK(file.size() >= kLengthBytes, Code::file_format, file.label(), ": has ", file.size(),
              " bytes, a safetensors file begins with ", kLengthBytes, " bytes of header length; ",
              file.size() == 0 ? kTruncated : other_format_remedy(file));
  std::uint64_t length = 0;
  file.read_at(0, std::as_writable_bytes(std::span(&length, 1)));
  const std::uint64_t room = static_cast<std::uint64_t>(file.size() - kLengthBytes);
  GYRUS_CHECK(length <= room, Code::file_format, file.label(), ": claims a header of ", length, " bytes, the file has ",
              room, " bytes after the length; ", other_format_remedy(file));
  GYRUS_CHECK(length <= static_cast<std::uint64_t>(kMaxHeaderBytes), Code::file_format, file.label(),
              ": claims a header of ", length, " bytes, at most ", kMaxHeaderBytes, " were expected; ",
              other_format_remedy(file));
  return static_cast<std::int64_t>(length);
}

Header read_header(const InputFile& file, std::int64_t length) {
  const AlignedBuffer bytes(length);
  file.read_at(kLengthBytes, {bytes.as<std::byte>(), static_cast<std::size_t>(length)});
  const std::string_view json(bytes.as<char>(), static_cast<std::size_t>(length));
  GYRUS_CHECK(json.starts_with('{'), Code::file_format, file.label(), ": the header begins with ",
              json.empty() ? std::string("nothing") : quoted(json.substr(0, 1)), ", expected '{'; ",
              other_format_remedy(file));
  return parse_header(json, file.label());
}

// Checks one entry by itself: its shape's bytes against its offsets, its offsets against the file.
void check_entry(const HeaderEntry& entry, std::int64_t data_bytes, const std::string& file) {
  const auto prefix = [&] { return text(file, ": tensor ", quoted(entry.name), " ", entry.shape, " "); };
  std::int64_t bytes = size_of(entry.type);
  for (const std::int64_t extent : entry.shape.extents()) {
    GYRUS_CHECK(!__builtin_mul_overflow(bytes, extent, &bytes), Code::file_format, prefix(),
                "has 2^63 bytes or more, expected a size that the file can hold; ", kFaulty);
  }
  GYRUS_CHECK(entry.begin <= entry.end, Code::file_format, prefix(), "begins at byte ", entry.begin, " and ends at ",
              entry.end, " of the data, expected the end behind the beginning; ", kFaulty);
  GYRUS_CHECK(entry.end - entry.begin == bytes, Code::file_format, prefix(), "of type ", safetensors_name(entry.type),
              " needs ", bytes, " bytes, its data_offsets [", entry.begin, ", ", entry.end, "] give ",
              entry.end - entry.begin, "; ", kFaulty);
  GYRUS_CHECK(entry.end <= data_bytes, Code::file_format, prefix(), "ends at byte ", entry.end,
              " of the data, the file holds ", data_bytes, "; ", kTruncated);
}

// Entries sorted by offset must tile the data.
void check_tiling(std::span<const HeaderEntry> entries, std::int64_t data_bytes, const std::string& file) {
  std::int64_t covered = 0;
  const HeaderEntry* before = nullptr;
  for (const HeaderEntry& entry : entries) {
    GYRUS_CHECK(entry.begin <= covered, Code::file_format, file, ": tensor ", quoted(entry.name), " begins at byte ",
                entry.begin, " of the data, expected ", covered, ": a gap of ", entry.begin - covered, " bytes; ",
                kFaulty);
    GYRUS_CHECK(entry.begin == covered, Code::file_format, file, ": tensor ", quoted(entry.name), " begins at byte ",
                entry.begin, " of the data, inside tensor ", quoted(before->name), " that ends at ", covered, "; ",
                kFaulty);
    covered = entry.end;
    before = &entry;
  }
  GYRUS_CHECK(covered == data_bytes, Code::file_format, file, ": has ", data_bytes - covered,
              " bytes behind the last tensor, none were expected; ", kFaulty);
}

}  // namespace

SafetensorsReader::SafetensorsReader(InputFile opened) : TensorFile(std::move(opened)) {
  const std::int64_t length = read_header_length(input());
  Header header = read_header(input(), length);
  set_metadata(std::move(header.metadata));
  const std::int64_t data_begin = kLengthBytes + length, data_bytes = input().size() - data_begin;
  for (const HeaderEntry& entry : header.entries) check_entry(entry, data_bytes, file());
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_tiling(header.entries, data_bytes, file());
  std::vector<StoredTensor> tensors;
  tensors.reserve(header.entries.size());
  for (HeaderEntry& entry : header.entries) {
    tensors.push_back(
        {std::move(entry.name), entry.type, entry.shape, data_begin + entry.begin, entry.end - entry.begin});
  }
  set_tensors(std::move(tensors));
}

SafetensorsReader::SafetensorsReader(const std::string& path) : SafetensorsReader(InputFile(path)) {}

SafetensorsReader::SafetensorsReader(std::span<const std::byte> bytes, std::string label)
    : SafetensorsReader(InputFile(bytes, std::move(label))) {}

}  // namespace gyrus::io
