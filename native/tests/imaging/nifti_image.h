// NIfTI files built byte by byte, for the tests of this room.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gyrus::tests {

// A header of either version and byte order, zeros but for what is set, and what follows it.
class NiftiImage {
 public:
  NiftiImage(int version, bool is_swapped)
      : is_wide_(version == 2), is_swapped_(is_swapped), bytes_(is_wide_ ? 544 : 352, '\0') {
    set<std::int32_t>(0, is_wide_ ? 540 : 348);
    set_magic(is_wide_ ? std::string_view("n+2\0\r\n\032\n", 8) : std::string_view("n+1\0", 4));
    for (std::size_t axis = 1; axis <= 3; ++axis) set_voxel_size(axis, 1);
    set_offset(static_cast<double>(bytes_.size()));
  }

  void set_magic(std::string_view magic) { bytes_.replace(is_wide_ ? 4 : 344, magic.size(), magic); }
  // dim[0] and what follows it.
  template <std::size_t n>
  void set_extents(const std::array<std::int64_t, n>& extents) {
    set_dim(0, n);
    for (std::size_t i = 0; i < n; ++i) set_dim(i + 1, extents[i]);
  }
  void set_dim(std::size_t index, std::int64_t value) {
    is_wide_ ? set<std::int64_t>(16 + 8 * index, value)
             : set<std::int16_t>(40 + 2 * index, static_cast<std::int16_t>(value));
  }
  void set_type(std::int16_t code) { set<std::int16_t>(is_wide_ ? 12 : 70, code); }
  void set_voxel_size(std::size_t axis, double mm) { set_real(is_wide_ ? 104 : 76, axis, mm); }
  void set_offset(double offset) {
    is_wide_ ? set<std::int64_t>(168, static_cast<std::int64_t>(offset)) : set<float>(108, static_cast<float>(offset));
  }
  void set_scaling(double slope, double inter) {
    set_real(is_wide_ ? 176 : 112, 0, slope);
    set_real(is_wide_ ? 184 : 116, 0, inter);
  }
  void set_codes(std::int32_t qform, std::int32_t sform) {
    is_wide_ ? set<std::int32_t>(344, qform) : set<std::int16_t>(252, static_cast<std::int16_t>(qform));
    is_wide_ ? set<std::int32_t>(348, sform) : set<std::int16_t>(254, static_cast<std::int16_t>(sform));
  }
  // Quaternion b, c, d, then the offset.
  void set_qform(const std::array<double, 6>& numbers) {
    for (std::size_t i = 0; i < 6; ++i) set_real(is_wide_ ? 352 : 256, i, numbers[i]);
  }
  void set_sform(const std::array<double, 12>& rows) {
    for (std::size_t i = 0; i < 12; ++i) set_real(is_wide_ ? 400 : 280, i, rows[i]);
  }
  // Appends an element in the file's byte order.
  template <class T>
  void append(T value) {
    bytes_.append(sizeof(T), '\0');
    set(bytes_.size() - sizeof(T), value);
  }
  template <class T>
  void set(std::size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    if (is_swapped_) std::reverse(bytes_.data() + at, bytes_.data() + at + sizeof value);
  }

  const std::string& bytes() const { return bytes_; }
  bool is_wide() const { return is_wide_; }

 private:
  void set_real(std::size_t at, std::size_t index, double value) {
    is_wide_ ? set(at + 8 * index, value) : set(at + 4 * index, static_cast<float>(value));
  }

  bool is_wide_, is_swapped_;
  std::string bytes_;
};

}  // namespace gyrus::tests
