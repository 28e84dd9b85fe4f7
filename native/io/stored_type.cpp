#include "io/stored_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/aligned_buffer.h"
#include "core/dtype.h"

namespace gyrus::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian: big-endian hosts need byte swaps");

constexpr std::int64_t kChunkBytes = 256 * 1024;  // stays in the second-level cache between read and conversion

struct TypeRow {
  StoredType type;
  std::string_view name;
  std::int64_t bytes;
};

constexpr std::array<TypeRow, 13> kTypes{{{StoredType::f64, "F64", 8},
                                          {StoredType::f32, "F32", 4},
                                          {StoredType::f16, "F16", 2},
                                          {StoredType::bf16, "BF16", 2},
                                          {StoredType::i64, "I64", 8},
                                          {StoredType::i32, "I32", 4},
                                          {StoredType::i16, "I16", 2},
                                          {StoredType::i8, "I8", 1},
                                          {StoredType::u64, "U64", 8},
                                          {StoredType::u32, "U32", 4},
                                          {StoredType::u16, "U16", 2},
                                          {StoredType::u8, "U8", 1},
                                          {StoredType::boolean, "BOOL", 1}}};

constexpr bool rows_follow_the_enum() {
  for (std::size_t row = 0; row < kTypes.size(); ++row) {
    if (static_cast<std::size_t>(kTypes[row].type) != row) return false;
  }
  return true;
}
static_assert(rows_follow_the_enum());

const TypeRow& row_of(StoredType type) { return kTypes[static_cast<std::size_t>(type)]; }

// IEEE 754 binary16 to binary32 with masks in place of branches, so that the compiler vectorises it. Subnormal halves
// are m·2^-24 = 2^-14·(1 + m/1024) - 2^-14: exact, and free of subnormal operands.
inline float half_to_float(std::uint16_t half) {
  constexpr std::uint32_t kTwoToMinus14 = 113U << 23U, kExponent = 0x0f800000U;
  const std::uint32_t magnitude = (half & 0x7fffU) << 13U;  // exponent and mantissa in their places, bias still 15
  const std::uint32_t subnormal_mask = 0U - std::uint32_t{(magnitude & kExponent) == 0};
  const std::uint32_t special_mask = 0U - std::uint32_t{(magnitude & kExponent) == kExponent};  // infinities and NaN
  const std::uint32_t rebias = (112U << 23U) + (special_mask & (112U << 23U));                  // exponent 31 -> 255
  const float subnormal = std::bit_cast<float>(magnitude + kTwoToMinus14) - std::bit_cast<float>(kTwoToMinus14);
  const std::uint32_t bits =
      (subnormal_mask & std::bit_cast<std::uint32_t>(subnormal)) | (~subnormal_mask & (magnitude + rebias));
  return std::bit_cast<float>(bits | (std::uint32_t{half} & 0x8000U) << 16U);
}

template <class Stored, class ToFloat>
void convert_each(const std::byte* in, std::span<float> out, ToFloat to_float) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, in + i * sizeof(Stored), sizeof(Stored));
    out[i] = to_float(value);
  }
}

template <class Stored>
void cast_each(const std::byte* in, std::span<float> out) {
  convert_each<Stored>(in, out, [](Stored value) { return static_cast<float>(value); });
}

}  // namespace

std::int64_t size_of(StoredType type) { return row_of(type).bytes; }

std::string_view safetensors_name(StoredType type) { return row_of(type).name; }

std::optional<StoredType> type_of_safetensors(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (row.name == name) return row.type;
  }
  return std::nullopt;
}

bool is_floating(StoredType type) {
  return type == StoredType::f64 || type == StoredType::f32 || type == StoredType::f16 || type == StoredType::bf16;
}

void convert_to_f32(StoredType type, std::span<const std::byte> in, std::span<float> out) {
  GYRUS_ASSERT(in.size() == out.size() * static_cast<std::size_t>(size_of(type)));
  if (out.empty()) return;
  const std::byte* from = in.data();
  switch (type) {
    case StoredType::f64:
      return cast_each<double>(from, out);
    case StoredType::f32:
      std::memcpy(out.data(), from, in.size());
      return;
    case StoredType::f16:
      return convert_each<std::uint16_t>(from, out, half_to_float);
    case StoredType::bf16:
      return convert_each<std::uint16_t>(from, out, [](std::uint16_t bits) { return to_float(bf16_t{bits}); });
    case StoredType::i64:
      return cast_each<std::int64_t>(from, out);
    case StoredType::i32:
      return cast_each<std::int32_t>(from, out);
    case StoredType::i16:
      return cast_each<std::int16_t>(from, out);
    case StoredType::i8:
      return cast_each<std::int8_t>(from, out);
    case StoredType::u64:
      return cast_each<std::uint64_t>(from, out);
    case StoredType::u32:
      return cast_each<std::uint32_t>(from, out);
    case StoredType::u16:
      return cast_each<std::uint16_t>(from, out);
    case StoredType::u8:
      return cast_each<std::uint8_t>(from, out);
    case StoredType::boolean:
      return convert_each<std::uint8_t>(from, out, [](std::uint8_t value) { return value == 0 ? 0.0F : 1.0F; });
  }
}

void read_as_f32(const InputFile& file, StoredType type, std::int64_t offset, std::span<float> out) {
  if (type == StoredType::f32) return file.read_at(offset, std::as_writable_bytes(out));
  const std::int64_t count = static_cast<std::int64_t>(out.size());
  const std::int64_t a_chunk = kChunkBytes / size_of(type);
  const AlignedBuffer buffer(std::min(count, a_chunk) * size_of(type));
  for (std::int64_t done = 0; done < count; done += a_chunk) {
    const std::int64_t now = std::min(a_chunk, count - done);
    const std::span<std::byte> bytes(buffer.as<std::byte>(), static_cast<std::size_t>(now * size_of(type)));
    file.read_at(offset + done * size_of(type), bytes);
    convert_to_f32(type, bytes, out.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(now)));
  }
}

}  // namespace gyrus::io
