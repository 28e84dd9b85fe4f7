#include "io/hdf5/convert.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

// Reverses the bytes of each number.
void swap_bytes(std::span<const std::byte> in, std::size_t width, std::byte* out) {
  for (std::size_t at = 0; at < in.size(); at += width) {
    std::reverse_copy(in.data() + at, in.data() + at + width, out + at);
  }
}

template <class Stored>
double load(const std::byte* bytes) {
  Stored value;
  std::memcpy(&value, bytes, sizeof(Stored));
  return static_cast<double>(value);
}

}  // namespace

void convert_numbers(const ElementType& type, std::span<const std::byte> raw, std::span<float> out) {
  GYRUS_ASSERT(type.is_number());
  if (!type.is_big_endian) return convert_to_f32(type.stored, raw, out);
  const std::size_t width = static_cast<std::size_t>(size_of(type.stored));
  std::array<std::byte, 4096> swapped;
  const std::size_t at_once = swapped.size() / width;
  for (std::size_t done = 0; done < out.size(); done += at_once) {
    const std::size_t now = std::min(at_once, out.size() - done);
    swap_bytes(raw.subspan(done * width, now * width), width, swapped.data());
    convert_to_f32(type.stored, std::span(swapped).first(now * width), out.subspan(done, now));
  }
}

double number_of(const ElementType& type, std::span<const std::byte> element) {
  GYRUS_ASSERT(type.kind == ElementKind::real && element.size() == type.bytes && element.size() <= 8);
  std::array<std::byte, 8> bytes{};
  if (type.is_big_endian) {
    swap_bytes(element, element.size(), bytes.data());
  } else {
    std::copy(element.begin(), element.end(), bytes.begin());
  }
  // f32 has too few bits for what these hold.
  if (type.stored == StoredType::f64) return load<double>(bytes.data());
  if (type.stored == StoredType::i64) return load<std::int64_t>(bytes.data());
  if (type.stored == StoredType::u64) return load<std::uint64_t>(bytes.data());
  if (type.stored == StoredType::i32) return load<std::int32_t>(bytes.data());
  if (type.stored == StoredType::u32) return load<std::uint32_t>(bytes.data());
  float value = 0;
  convert_to_f32(type.stored, std::span(bytes).first(element.size()), std::span(&value, 1));
  return static_cast<double>(value);
}

}  // namespace gyrus::io::hdf5
