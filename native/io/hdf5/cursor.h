// Decodes the little-endian fields of one HDF5 structure and never reads beyond its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gyrus::io::hdf5 {

// Bytes of an address and of a length: the superblock says how wide they are in this file.
struct Widths {
  std::uint64_t address = 8, length = 8;
};

constexpr std::uint64_t kNoAddress = UINT64_MAX;  // "undefined address": all bits set, whatever the width

class Cursor {
 public:
  // `what` names the structure in messages ("a datatype") and outlives the cursor.
  Cursor(std::span<const std::byte> bytes, std::string_view what, Widths widths = {})
      : bytes_(bytes), what_(what), widths_(widths) {}

  // Each throws Code::file_format when the structure is shorter than that.
  std::uint64_t unsigned_of(std::uint64_t width);  // 1 to 8 bytes
  std::uint8_t u8() { return static_cast<std::uint8_t>(unsigned_of(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(unsigned_of(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(unsigned_of(4)); }
  std::uint64_t u64() { return unsigned_of(8); }
  std::uint64_t length() { return unsigned_of(widths_.length); }
  std::uint64_t address();
  std::span<const std::byte> take(std::uint64_t count);
  void skip(std::uint64_t count) { take(count); }
  // Characters up to a NUL, which is consumed with the padding that completes a multiple of `padding` bytes.
  std::string_view name(std::size_t padding);
  // The four characters that begin a structure.
  void expect_signature(std::string_view expected);
  // The structure's version must be one of those up to `last`.
  std::uint8_t version(std::uint8_t first, std::uint8_t last);

  std::size_t left() const { return bytes_.size() - at_; }
  std::size_t position() const { return at_; }
  std::string_view what() const { return what_; }
  Widths widths() const { return widths_; }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  Widths widths_;
  std::size_t at_ = 0;
};

}  // namespace gyrus::io::hdf5
