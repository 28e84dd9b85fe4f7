// Datatypes: what one element of a dataset or an attribute is, as far as this reader can read it.
#pragma once

#include <cstdint>
#include <string>

#include "io/hdf5/cursor.h"
#include "io/stored_type.h"

namespace gyrus::io::hdf5 {

enum class ElementKind : std::uint8_t {
  real,           // an integer, a float, or an enum or bool, read as its base
  complex,        // real and imaginary part, one behind the other
  text,           // characters of fixed length
  variable_text,  // characters in the global heap
  other,          // nothing that is read here; `name` says what
};

struct ElementType {
  ElementKind kind = ElementKind::other;
  std::uint64_t bytes = 0;             // an element
  StoredType stored = StoredType::u8;  // of a real number, or of each part of a complex one
  bool is_big_endian = false;
  std::string name;  // for messages: "big-endian f32", "a compound of 3 members"

  bool is_number() const { return kind == ElementKind::real || kind == ElementKind::complex; }
  int parts() const { return kind == ElementKind::complex ? 2 : 1; }
};

// Throws Code::file_format for damage; a type that cannot be read becomes ElementKind::other.
ElementType parse_datatype(Cursor& cursor);

}  // namespace gyrus::io::hdf5
