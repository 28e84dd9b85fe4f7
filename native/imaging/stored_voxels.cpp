#include "imaging/stored_voxels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <complex>
#include <cstring>

#include "core/error.h"
#include "imaging/wide_real.h"

namespace gyrus::imaging {
namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

void swap_words(std::span<std::byte> bytes, std::int64_t word) {
  const auto size = static_cast<std::size_t>(word);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::reverse(bytes.data() + at, bytes.data() + at + size);
  }
}

// The common case, written so that the compiler makes vectors of it.
void swap_pairs(std::span<std::byte> bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    const auto swapped = __builtin_bswap16(load<std::uint16_t>(bytes.data() + at));
    std::memcpy(bytes.data() + at, &swapped, sizeof swapped);
  }
}

bool is_complex(NiftiType type) {
  return type == NiftiType::complex64 || type == NiftiType::complex128 || type == NiftiType::complex256;
}

void to_machine_order(const NiftiHeader& header, std::span<std::byte> bytes) {
  const std::int64_t word = bytes_of(header.type) / (is_complex(header.type) ? 2 : 1);
  if (!header.is_swapped || word == 1) return;
  word == 2 ? swap_pairs(bytes) : swap_words(bytes, word);
}

// Elements become floats from the front on; a float is never wider than what it replaces, so nothing unread is lost.
template <class T, class ToValue>
void convert(std::span<std::byte> bytes, ToValue to_value) {
  const std::size_t count = bytes.size() / sizeof(T);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(to_value(load<T>(bytes.data() + i * sizeof(T))));
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
}

template <class T>
void convert_scaled(const NiftiHeader& header, std::span<std::byte> bytes) {
  convert<T>(bytes, [&](T x) { return static_cast<double>(x) * header.slope + header.inter; });
}

double magnitude(const NiftiHeader& header, double real, double imaginary) {
  return std::abs(std::complex<double>(real, imaginary) * header.slope + header.inter);
}

template <class T>
void convert_magnitude(const NiftiHeader& header, std::span<std::byte> bytes) {
  convert<std::array<T, 2>>(bytes, [&](const std::array<T, 2>& z) {
    return magnitude(header, static_cast<double>(z[0]), static_cast<double>(z[1]));
  });
}

void convert_wide(const NiftiHeader& header, std::span<std::byte> bytes) {
  const auto value_of = are_extended(bytes) ? &from_extended : &from_binary128;
  if (header.type == NiftiType::f128) {
    convert<WideReal>(bytes, [&](const WideReal& x) { return value_of(x) * header.slope + header.inter; });
  } else {
    convert<std::array<WideReal, 2>>(
        bytes, [&](const std::array<WideReal, 2>& z) { return magnitude(header, value_of(z[0]), value_of(z[1])); });
  }
}

void to_f32(const NiftiHeader& header, std::span<std::byte> bytes) {
  switch (header.type) {
    case NiftiType::i32:
      return convert_scaled<std::int32_t>(header, bytes);
    case NiftiType::u32:
      return convert_scaled<std::uint32_t>(header, bytes);
    case NiftiType::i64:
      return convert_scaled<std::int64_t>(header, bytes);
    case NiftiType::u64:
      return convert_scaled<std::uint64_t>(header, bytes);
    case NiftiType::f32:
      if (header.slope == 1 && header.inter == 0) return;
      return convert_scaled<float>(header, bytes);
    case NiftiType::f64:
      return convert_scaled<double>(header, bytes);
    case NiftiType::complex64:
      return convert_magnitude<float>(header, bytes);
    case NiftiType::complex128:
      return convert_magnitude<double>(header, bytes);
    case NiftiType::f128:
    case NiftiType::complex256:
      return convert_wide(header, bytes);
    case NiftiType::u8:
    case NiftiType::i8:
    case NiftiType::i16:
    case NiftiType::u16:
      GYRUS_ASSERT(false);
  }
}

}  // namespace

Voxels adopt_frame(const NiftiHeader& header, std::span<std::byte> bytes) {
  to_machine_order(header, bytes);
  Voxels voxels{.data = bytes.data(), .extents = header.extents, .slope = header.slope, .inter = header.inter};
  if (bytes_of(header.type) == 1) {
    voxels.kind = VoxelKind::u8;
    if (header.type == NiftiType::i8) voxels.sign = 0x80, voxels.bias = 0x80;
  } else if (bytes_of(header.type) == 2) {
    voxels.kind = VoxelKind::u16;
    if (header.type == NiftiType::i16) voxels.sign = 0x8000, voxels.bias = 0x8000;
  } else {
    to_f32(header, bytes);
    voxels.slope = 1, voxels.inter = 0;  // now part of the values
  }
  return voxels;
}

}  // namespace gyrus::imaging
