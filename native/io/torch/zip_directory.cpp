#include "io/torch/zip_directory.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/aligned_buffer.h"
#include "io/utf8.h"

namespace gyrus::io::torch {
namespace {

constexpr std::int64_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr std::int64_t kMaxComment = 65535, kMaxDirectory = 256 << 20;
constexpr std::uint32_t kLocalMagic = 0x04034b50, kCentralMagic = 0x02014b50, kEndMagic = 0x06054b50,
                        kEnd64Magic = 0x06064b50, kLocatorMagic = 0x07064b50;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the value is in the ZIP64 part instead
constexpr std::uint16_t kZip64Extra = 1, kEncrypted = 1, kStored = 0;
constexpr std::string_view kTruncated = "the file is truncated or damaged: fetch or copy it again";
constexpr std::string_view kResave = "load it in PyTorch and save it with torch.save, which compresses nothing";

template <class Number>
Number at(std::span<const std::byte> bytes, std::int64_t offset) {
  Number value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

struct Directory {
  std::uint64_t entries = 0, bytes = 0, offset = 0;
  std::int64_t end = 0;  // it must not reach beyond this byte
};

// From the ZIP64 end record that a locator before `end` points to; none where there is no locator.
std::optional<Directory> read_end_64(const InputFile& file, std::int64_t end) {
  if (end < kLocatorBytes) return std::nullopt;
  std::array<std::byte, kLocatorBytes> locator{};
  file.read_at(end - kLocatorBytes, locator);
  if (at<std::uint32_t>(locator, 0) != kLocatorMagic) return std::nullopt;
  const auto offset = at<std::uint64_t>(locator, 8);
  const std::int64_t last = end - kLocatorBytes - kEnd64Bytes;
  GYRUS_CHECK(last >= 0 && offset <= static_cast<std::uint64_t>(last), Code::file_format, file.label(),
              ": its ZIP64 record is said to begin at byte ", offset, " of ", file.size(), "; ", kTruncated);
  std::array<std::byte, kEnd64Bytes> record{};
  file.read_at(static_cast<std::int64_t>(offset), record);
  GYRUS_CHECK(at<std::uint32_t>(record, 0) == kEnd64Magic, Code::file_format, file.label(),
              ": no ZIP64 record lies at byte ", offset, ", where one was expected; ", kTruncated);
  return Directory{at<std::uint64_t>(record, 32), at<std::uint64_t>(record, 40), at<std::uint64_t>(record, 48),
                   static_cast<std::int64_t>(offset)};
}

Directory find_directory(const InputFile& file) {
  const std::int64_t tail = std::min(file.size(), kEndBytes + kMaxComment);
  const AlignedBuffer buffer(std::max<std::int64_t>(tail, 1));
  const std::span<std::byte> bytes(buffer.as<std::byte>(), static_cast<std::size_t>(tail));
  file.read_at(file.size() - tail, bytes);
  for (std::int64_t begin = tail - kEndBytes; begin >= 0; --begin) {
    if (at<std::uint32_t>(bytes, begin) != kEndMagic) continue;
    if (begin + kEndBytes + at<std::uint16_t>(bytes, begin + 20) != tail) continue;
    const std::int64_t end = file.size() - tail + begin;
    const Directory directory{at<std::uint16_t>(bytes, begin + 10), at<std::uint32_t>(bytes, begin + 12),
                              at<std::uint32_t>(bytes, begin + 16), end};
    const bool needs_64 = directory.entries == 0xffff || directory.bytes == kIn64 || directory.offset == kIn64;
    const auto in_64 = read_end_64(file, end);
    GYRUS_CHECK(!needs_64 || in_64, Code::file_format, file.label(), ": lacks the ZIP64 record that it refers to; ",
                kTruncated);
    return in_64.value_or(directory);
  }
  throw Error(Code::file_format, text(file.label(),
                                      ": begins as a zip archive, as PyTorch writes, but has no directory "
                                      "at its end (of ",
                                      file.size(), " bytes); ", kTruncated));
}

// The sizes and the offset of an entry, of which those that were too large for 32 bits stand in the ZIP64 extra field.
struct Extent {
  std::uint64_t bytes, packed, offset;
};
Extent read_extent(std::span<const std::byte> header, std::span<const std::byte> extra, std::string_view where) {
  Extent extent{at<std::uint32_t>(header, 24), at<std::uint32_t>(header, 20), at<std::uint32_t>(header, 42)};
  for (std::size_t begin = 0; begin + 4 <= extra.size();) {
    const auto kind = at<std::uint16_t>(extra, static_cast<std::int64_t>(begin));
    const std::size_t size = at<std::uint16_t>(extra, static_cast<std::int64_t>(begin) + 2);
    GYRUS_CHECK(size <= extra.size() - begin - 4, Code::file_format, where, " has an extra field of ", size,
                " bytes that ends outside it; ", kTruncated);
    std::span<const std::byte> field = extra.subspan(begin + 4, size);
    begin += 4 + size;
    if (kind != kZip64Extra) continue;
    for (std::uint64_t* const value : {&extent.bytes, &extent.packed, &extent.offset}) {
      if (*value != kIn64) continue;
      GYRUS_CHECK(field.size() >= 8, Code::file_format, where, " lacks a size in its ZIP64 field; ", kTruncated);
      *value = at<std::uint64_t>(field, 0);
      field = field.subspan(8);
    }
  }
  return extent;
}

// Where the content begins: behind the local header, whose name must be the directory's.
std::int64_t find_content(const InputFile& file, const std::string& name, std::uint64_t offset, std::int64_t limit,
                          std::string_view where) {
  GYRUS_CHECK(limit >= kLocalBytes && offset <= static_cast<std::uint64_t>(limit - kLocalBytes), Code::file_format,
              where, " is said to begin at byte ", offset, " of ", file.size(), "; ", kTruncated);
  std::array<std::byte, kLocalBytes> header{};
  const auto begin = static_cast<std::int64_t>(offset);
  file.read_at(begin, header);
  const std::int64_t name_bytes = at<std::uint16_t>(header, 26), extra_bytes = at<std::uint16_t>(header, 28);
  const std::int64_t content = begin + kLocalBytes + name_bytes + extra_bytes;
  std::string local_name(name.size(), '\0');
  const bool is_header = at<std::uint32_t>(header, 0) == kLocalMagic && content <= limit &&
                         name_bytes == static_cast<std::int64_t>(name.size());
  if (is_header) file.read_at(begin + kLocalBytes, std::as_writable_bytes(std::span(local_name)));
  GYRUS_CHECK(is_header && local_name == name, Code::file_format, where, " has no header of its own at byte ", offset,
              "; ", kTruncated);
  return content;
}

// The entry whose central header begins `bytes`; `used` says how much of them it takes.
ZipEntry read_entry(const InputFile& file, std::span<const std::byte> bytes, std::int64_t limit, std::size_t& used) {
  GYRUS_CHECK(bytes.size() >= kCentralBytes && at<std::uint32_t>(bytes, 0) == kCentralMagic, Code::file_format,
              file.label(), ": its directory ends or breaks off in the middle; ", kTruncated);
  const std::size_t name_bytes = at<std::uint16_t>(bytes, 28), extra_bytes = at<std::uint16_t>(bytes, 30),
                    comment_bytes = at<std::uint16_t>(bytes, 32);
  used = kCentralBytes + name_bytes + extra_bytes + comment_bytes;
  GYRUS_CHECK(used <= bytes.size(), Code::file_format, file.label(), ": its directory breaks off in a name; ",
              kTruncated);
  ZipEntry entry;
  entry.name.assign(reinterpret_cast<const char*>(bytes.data()) + kCentralBytes, name_bytes);
  const std::string where = text(file.label(), ": the entry ", quoted(entry.name));
  const auto flags = at<std::uint16_t>(bytes, 8), method = at<std::uint16_t>(bytes, 10);
  GYRUS_CHECK((flags & kEncrypted) == 0, Code::file_format, where, " is encrypted; decrypt the archive first");
  GYRUS_CHECK(method == kStored, Code::file_format, where, " is compressed (method ", method,
              "), only stored ones were expected; ", kResave);
  const Extent extent = read_extent(bytes, bytes.subspan(kCentralBytes + name_bytes, extra_bytes), where);
  GYRUS_CHECK(extent.bytes == extent.packed, Code::file_format, where, " is stored as it is, yet has ", extent.packed,
              " bytes packed and ", extent.bytes, " unpacked; ", kTruncated);
  entry.offset = find_content(file, entry.name, extent.offset, limit, where);
  GYRUS_CHECK(extent.bytes <= static_cast<std::uint64_t>(limit - entry.offset), Code::file_format, where, " has ",
              extent.bytes, " bytes from byte ", entry.offset, " on, the archive's content ends at ", limit, "; ",
              kTruncated);
  entry.bytes = static_cast<std::int64_t>(extent.bytes);
  return entry;
}

void check_apart(const InputFile& file, std::vector<ZipEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const ZipEntry& a, const ZipEntry& b) {
    return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
  });
  const auto meets = [](const ZipEntry& a, const ZipEntry& b) { return b.offset - a.offset < a.bytes; };
  const auto twin = std::adjacent_find(entries.begin(), entries.end(), meets);
  GYRUS_CHECK(twin == entries.end(), Code::file_format, file.label(), ": the entries ", quoted(twin->name), " and ",
              quoted((twin + 1)->name), " overlap; the file's writer is faulty or hostile: do not use it");
  std::sort(entries.begin(), entries.end(), [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
  const auto same = [](const ZipEntry& a, const ZipEntry& b) { return a.name == b.name; };
  const auto again = std::adjacent_find(entries.begin(), entries.end(), same);
  GYRUS_CHECK(again == entries.end(), Code::file_format, file.label(), ": the entry ", quoted(again->name),
              " is there twice; the file's writer is faulty or hostile: do not use it");
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(const InputFile& file) {
  const Directory directory = find_directory(file);
  const auto end = static_cast<std::uint64_t>(directory.end);
  GYRUS_CHECK(directory.bytes <= end && directory.offset <= end - directory.bytes, Code::file_format, file.label(),
              ": its directory is said to have ", directory.bytes, " bytes from byte ", directory.offset,
              " on, the file ends before; ", kTruncated);
  GYRUS_CHECK(directory.bytes <= kMaxDirectory && directory.entries <= directory.bytes / kCentralBytes,
              Code::file_format, file.label(), ": claims ", directory.entries, " entries in a directory of ",
              directory.bytes, " bytes (of which an entry takes ", kCentralBytes, ", and at most ", kMaxDirectory,
              " are read); ", kTruncated);
  const AlignedBuffer buffer(std::max<std::int64_t>(static_cast<std::int64_t>(directory.bytes), 1));
  std::span<std::byte> bytes(buffer.as<std::byte>(), static_cast<std::size_t>(directory.bytes));
  file.read_at(static_cast<std::int64_t>(directory.offset), bytes);
  std::vector<ZipEntry> entries;
  entries.reserve(directory.entries);
  for (std::uint64_t index = 0; index < directory.entries; ++index) {
    std::size_t used = 0;
    entries.push_back(read_entry(file, bytes, static_cast<std::int64_t>(directory.offset), used));
    bytes = bytes.subspan(used);
  }
  check_apart(file, entries);
  return entries;
}

const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name) {
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), name,
                       [](const ZipEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

}  // namespace gyrus::io::torch
