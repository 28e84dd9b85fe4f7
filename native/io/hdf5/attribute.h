// Attributes: small named values in an object's header.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/shape.h"
#include "io/hdf5/element_type.h"
#include "io/hdf5/object_header.h"

namespace gyrus::io::hdf5 {

struct Attribute {
  ElementType type;
  Shape shape;
  std::span<const std::byte> data;  // as long as the header lives; all its elements are there
};

// nullopt: the object has no such attribute. Throws Code::file_format, also when the object keeps its attributes in a
// fractal heap (dense storage) and this one is not in its header.
std::optional<Attribute> find_attribute(const Image& image, const ObjectHeader& header, std::string_view name);

}  // namespace gyrus::io::hdf5
