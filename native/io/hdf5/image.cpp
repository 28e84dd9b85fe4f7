// Superblocks of versions 0 to 3, and bounded reads.
#include "io/hdf5/image.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.h"
#include "io/hdf5/checksums.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr std::int64_t kFirstStep = 512;      // the signature lies at 0, 512, 1024, 2048, ...
constexpr std::int64_t kMaxSuperblock = 128;  // bytes: version 1 with addresses of 8 bytes has 100
constexpr std::string_view kWhat = "the superblock";

bool has_signature(const InputFile& file, std::int64_t offset) {
  std::array<char, kSignature.size()> found{};
  file.read_at(offset, std::as_writable_bytes(std::span(found)));
  return std::string_view(found.data(), found.size()) == kSignature;
}

std::int64_t find_superblock(const InputFile& file) {
  const std::int64_t last = file.size() - static_cast<std::int64_t>(kSignature.size());
  for (std::int64_t offset = 0; offset <= last; offset = offset == 0 ? kFirstStep : 2 * offset) {
    if (has_signature(file, offset)) return offset;
  }
  throw Error(Code::file_format, text(file.label(), ": has no HDF5 signature at byte 0, 512, 1024 ... of its ",
                                      file.size(), " bytes; give an HDF5 file (.h5, or .mat saved with -v7.3)"));
}

std::uint64_t checked_width(std::uint8_t width, std::string_view what) {
  GYRUS_CHECK(width == 2 || width == 4 || width == 8, Code::file_format, "the superblock gives ", what, " ", int{width},
              " bytes, 2, 4 or 8 were expected; rewrite the file with h5repack");
  return width;
}

}  // namespace

Image::Image(InputFile file) : file_(std::move(file)), base_(find_superblock(file_)) {
  try {
    std::array<std::byte, kMaxSuperblock> start{};
    const std::span<std::byte> bytes =
        std::span(start).first(static_cast<std::size_t>(std::min(file_.size() - base_, kMaxSuperblock)));
    file_.read_at(base_, bytes);
    Cursor cursor(bytes, kWhat);
    cursor.skip(kSignature.size());
    const std::uint8_t version = cursor.version(0, 3);
    if (version < 2) {
      read_old_superblock(cursor, version);
    } else {
      read_new_superblock(cursor, bytes);
    }
    GYRUS_CHECK(root_ != kNoAddress, Code::file_format, "the superblock names no root group; the file is damaged");
  } catch (const Error& error) {
    if (error.code() == Code::file_io) throw;
    throw error.with_context(label());
  }
}

void Image::read_old_superblock(Cursor& cursor, std::uint8_t version) {
  cursor.skip(4);  // versions of the free-space and root group's structures, a reserved byte, shared messages' version
  const std::uint64_t address = checked_width(cursor.u8(), "addresses");
  widths_ = {address, checked_width(cursor.u8(), "lengths")};
  cursor.skip(1 + 2 + 2 + 4 + (version == 1 ? 4 : 0));  // sizes of B-tree nodes, which their nodes repeat
  Cursor fields(cursor.take(cursor.left()), kWhat, widths_);
  fields.address();  // the base: where the superblock lies, which is known better
  fields.address();  // free space
  check_end(fields.address());
  GYRUS_CHECK(fields.address() == kNoAddress, Code::file_format,
              "it is one part of a file that was split by a driver; join the parts with h5repack");
  fields.address();  // offset of the root group's name
  root_ = fields.address();
}

void Image::read_new_superblock(Cursor& cursor, std::span<const std::byte> bytes) {
  const std::uint64_t address = checked_width(cursor.u8(), "addresses");
  widths_ = {address, checked_width(cursor.u8(), "lengths")};
  cursor.skip(1);
  Cursor fields(cursor.take(4 * address), kWhat, widths_);
  cursor.skip(4);
  without_checksum(bytes.first(cursor.position()), kWhat);
  fields.address();  // the base
  fields.address();  // the extension: sizes of B-tree nodes and the like, nothing that reading needs
  check_end(fields.address());
  root_ = fields.address();
}

void Image::check_end(std::uint64_t end_of_file) const {
  GYRUS_CHECK(end_of_file <= static_cast<std::uint64_t>(file_.size()), Code::file_format, "the file has ", file_.size(),
              " bytes, its superblock says ", end_of_file, "; it is truncated: fetch or copy it again");
}

void Image::require(std::uint64_t address, std::uint64_t count, std::string_view what) const {
  GYRUS_CHECK(address != kNoAddress, Code::file_format, what, " has no address; the file is damaged");
  GYRUS_CHECK(address <= size() && count <= size() - address, Code::file_format, what, " has ", count,
              " bytes at address ", address, ", the file ends at ", size(),
              "; it is truncated or damaged: fetch or copy it again");
}

void Image::read_into(std::uint64_t address, std::span<std::byte> out, std::string_view what) const {
  require(address, out.size(), what);
  file_.read_at(base_ + static_cast<std::int64_t>(address), out);
}

std::vector<std::byte> Walk::read(std::uint64_t address, std::uint64_t count, std::string_view what) {
  image_.require(address, count, what);
  GYRUS_CHECK(count <= left_, Code::file_format, what,
              " overlaps other structures or leads back to one; the file is damaged: fetch or copy it again");
  left_ -= count;
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  image_.read_into(address, bytes, what);
  return bytes;
}

std::span<const std::byte> without_checksum(std::span<const std::byte> bytes, std::string_view what) {
  GYRUS_CHECK(bytes.size() >= 4, Code::file_format, what, " has ", bytes.size(), " bytes, too few for its checksum");
  const std::span<const std::byte> content = bytes.first(bytes.size() - 4);
  const std::uint32_t stored = Cursor(bytes.last(4), what).u32(), computed = lookup3(content);
  GYRUS_CHECK(stored == computed, Code::file_format, what, " has the checksum ", computed, ", ", stored,
              " was stored; the file is damaged: fetch or copy it again");
  return content;
}

}  // namespace gyrus::io::hdf5
