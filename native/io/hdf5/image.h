// The bytes of an HDF5 file as its structures see them: addresses count from the superblock, and no read leaves the
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "io/hdf5/cursor.h"

namespace gyrus::io::hdf5 {

class Image {
 public:
  // Finds the superblock at byte 0, 512, 1024, ... (MATLAB puts 512 bytes of text before it). Throws Code::file_format.
  explicit Image(InputFile file);

  const std::string& label() const { return file_.label(); }
  Widths widths() const { return widths_; }
  std::uint64_t root() const { return root_; }  // address of the root group's object header
  // Bytes from the superblock to the file's end.
  std::uint64_t size() const { return static_cast<std::uint64_t>(file_.size() - base_); }

  // Throws Code::file_format naming `what` unless these bytes lie in the file.
  void require(std::uint64_t address, std::uint64_t count, std::string_view what) const;
  void read_into(std::uint64_t address, std::span<std::byte> out, std::string_view what) const;

 private:
  void read_old_superblock(Cursor& cursor, std::uint8_t version);
  void read_new_superblock(Cursor& cursor, std::span<const std::byte> bytes);
  void check_end(std::uint64_t end_of_file) const;

  InputFile file_;
  std::int64_t base_ = 0;  // of the superblock
  Widths widths_;
  std::uint64_t root_ = kNoAddress;
};

// One walk through linked structures. Those of a sound file do not overlap, so a walk that reads more bytes than the
// file has is going round in circles, or is a bomb: Code::file_format.
class Walk {
 public:
  explicit Walk(const Image& image) : image_(image), left_(image.size()) {}

  std::vector<std::byte> read(std::uint64_t address, std::uint64_t count, std::string_view what);
  Cursor cursor(std::span<const std::byte> bytes, std::string_view what) const {
    return Cursor(bytes, what, image_.widths());
  }
  const Image& image() const { return image_; }

 private:
  const Image& image_;
  std::uint64_t left_;
};

// Throws Code::file_format unless the last four bytes are the lookup3 checksum of those before them, which it returns.
std::span<const std::byte> without_checksum(std::span<const std::byte> bytes, std::string_view what);

}  // namespace gyrus::io::hdf5
