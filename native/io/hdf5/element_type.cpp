#include "io/hdf5/element_type.h"

#include <optional>
#include <string_view>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr int kMaxNesting = 8;  // of types in types

enum class TypeClass : std::uint8_t {
  integer = 0,
  floating = 1,
  string = 3,
  compound = 6,
  enumeration = 8,
  variable_length = 9,
  complex = 11,
};

struct Head {
  std::uint8_t version, type_class;
  std::uint32_t flags;
  std::uint64_t bytes;
};

ElementType parse_nested(Cursor& cursor, int depth);

ElementType other(const Head& head, std::string name) {
  ElementType type;
  type.bytes = head.bytes;
  type.name = std::move(name);
  return type;
}

ElementType real(const Head& head, StoredType stored) {
  ElementType type;
  type.kind = ElementKind::real;
  type.bytes = head.bytes;
  type.stored = stored;
  type.is_big_endian = head.bytes > 1 && (head.flags & 1U) != 0;
  std::string_view name = safetensors_name(stored);
  if (type.is_big_endian) type.name = "big-endian ";
  for (const char letter : name)
    type.name += static_cast<char>(letter - 'A' < 26 && letter >= 'A' ? letter + 32 : letter);
  return type;
}

ElementType parse_integer(const Head& head, Cursor& cursor) {
  const std::uint16_t offset = cursor.u16(), precision = cursor.u16();
  const bool is_signed = (head.flags & 8U) != 0;
  std::optional<StoredType> stored;
  if (head.bytes == 1) stored = is_signed ? StoredType::i8 : StoredType::u8;
  if (head.bytes == 2) stored = is_signed ? StoredType::i16 : StoredType::u16;
  if (head.bytes == 4) stored = is_signed ? StoredType::i32 : StoredType::u32;
  if (head.bytes == 8) stored = is_signed ? StoredType::i64 : StoredType::u64;
  if (!stored || offset != 0 || precision != 8 * head.bytes) {
    return other(head, text("an integer of ", precision, " bits in ", head.bytes, " bytes"));
  }
  return real(head, *stored);
}

struct FloatFormat {
  std::uint8_t exponent_at, exponent_bits, mantissa_at, mantissa_bits;
  std::uint32_t bias;
  bool operator==(const FloatFormat&) const = default;
};

struct KnownFloat {
  std::uint64_t bytes;
  FloatFormat format;
  StoredType stored;
};

constexpr KnownFloat kKnownFloats[] = {{2, {10, 5, 0, 10, 15}, StoredType::f16},
                                       {2, {7, 8, 0, 7, 127}, StoredType::bf16},
                                       {4, {23, 8, 0, 23, 127}, StoredType::f32},
                                       {8, {52, 11, 0, 52, 1023}, StoredType::f64}};

ElementType parse_floating(const Head& head, Cursor& cursor) {
  const std::uint16_t offset = cursor.u16(), precision = cursor.u16();
  FloatFormat format{};
  format.exponent_at = cursor.u8();
  format.exponent_bits = cursor.u8();
  format.mantissa_at = cursor.u8();
  format.mantissa_bits = cursor.u8();
  format.bias = cursor.u32();
  const std::uint32_t sign_at = head.flags >> 8U & 0xffU, normalisation = head.flags >> 4U & 3U;
  const bool is_vax = (head.flags & 0x40U) != 0;
  for (const KnownFloat& known : kKnownFloats) {
    const bool fits = known.bytes == head.bytes && known.format == format && offset == 0 && !is_vax &&
                      precision == 8 * head.bytes && sign_at + 1 == precision && normalisation == 2;
    if (fits) return real(head, known.stored);
  }
  return other(head, text("a float of ", precision, " bits that is not IEEE 754"));
}

ElementType complex_of(const Head& head, const ElementType& part, std::string_view description) {
  if (part.kind != ElementKind::real || part.bytes * 2 != head.bytes) return other(head, std::string(description));
  ElementType type = part;
  type.kind = ElementKind::complex;
  type.bytes = head.bytes;
  type.name = text("complex ", part.name);
  return type;
}

struct Member {
  std::string_view name;
  std::uint64_t offset;
  ElementType type;
};

Member parse_member(const Head& head, Cursor& cursor, int depth) {
  Member member{};
  member.name = cursor.name(head.version < 3 ? 8 : 1);
  std::uint64_t offset_bytes = 4;
  if (head.version >= 3) {
    // As many bytes as the compound's size needs.
    offset_bytes = head.bytes < 1U << 8U ? 1 : head.bytes < 1U << 16U ? 2 : head.bytes < 1U << 24U ? 3 : 4;
  }
  member.offset = cursor.unsigned_of(offset_bytes);
  if (head.version == 1) cursor.skip(1 + 3 + 4 + 4 + 16);  // dimensions of an array, which are not used any more
  member.type = parse_nested(cursor, depth + 1);
  return member;
}

// h5py and the fastMRI files call the parts of a complex number r and i, MATLAB real and imag.
ElementType parse_compound(const Head& head, Cursor& cursor, int depth) {
  const std::uint32_t count = head.flags & 0xffffU;
  const std::string description = text("a compound of ", count, count == 1 ? " member" : " members");
  if (count != 2) return other(head, description);
  const Member first = parse_member(head, cursor, depth);
  if (first.type.kind != ElementKind::real) return other(head, description);
  const Member second = parse_member(head, cursor, depth);
  const std::string named = text(description, ", ", quoted(first.name), " and ", quoted(second.name));
  const bool is_named = (first.name == "r" && second.name == "i") || (first.name == "real" && second.name == "imag");
  const bool is_alike = second.type.kind == ElementKind::real && first.type.stored == second.type.stored &&
                        first.type.is_big_endian == second.type.is_big_endian;
  if (!is_named || !is_alike || first.offset != 0 || second.offset != first.type.bytes) return other(head, named);
  return complex_of(head, first.type, named);
}

ElementType parse_nested(Cursor& cursor, int depth) {
  GYRUS_CHECK(depth <= kMaxNesting, Code::file_format, "a datatype holds types nested more than ", kMaxNesting,
              " deep; the file is damaged");
  Head head{};
  const std::uint8_t first = cursor.u8();
  head.version = static_cast<std::uint8_t>(first >> 4U);
  head.type_class = static_cast<std::uint8_t>(first & 0x0fU);
  head.flags = static_cast<std::uint32_t>(cursor.unsigned_of(3));
  head.bytes = cursor.u32();
  GYRUS_CHECK(head.version >= 1 && head.version <= 5 && head.bytes > 0, Code::file_format, "a datatype is of version ",
              int{head.version}, " and has ", head.bytes, " bytes, version 1 to 5 and some bytes were expected");
  switch (static_cast<TypeClass>(head.type_class)) {
    case TypeClass::integer:
      return parse_integer(head, cursor);
    case TypeClass::floating:
      return parse_floating(head, cursor);
    case TypeClass::string: {
      ElementType type = other(head, text("text of ", head.bytes, " bytes"));
      type.kind = ElementKind::text;
      return type;
    }
    case TypeClass::compound:
      return parse_compound(head, cursor, depth);
    case TypeClass::enumeration: {
      const ElementType base = parse_nested(cursor, depth + 1);
      return base.kind == ElementKind::real && base.bytes == head.bytes ? base : other(head, "an enum");
    }
    case TypeClass::variable_length: {
      const bool is_text = (head.flags & 0x0fU) == 1;
      ElementType type = other(head, is_text ? "text of variable length" : "sequences of variable length");
      if (is_text) type.kind = ElementKind::variable_text;
      return type;
    }
    case TypeClass::complex:
      return complex_of(head, parse_nested(cursor, depth + 1), "a complex number");
  }
  return other(head, text("a type of class ", int{head.type_class}, " (time, bits, opaque, reference or array)"));
}

}  // namespace

ElementType parse_datatype(Cursor& cursor) { return parse_nested(cursor, 0); }

}  // namespace gyrus::io::hdf5
