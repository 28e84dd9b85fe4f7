// Character strings: fixed-length ones in place, variable-length ones in the global heap.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "io/hdf5/element_type.h"
#include "io/hdf5/image.h"

namespace gyrus::io::hdf5 {

// The bytes of one text element up to the first NUL, in whatever character set they are. Throws
// Code::dtype when the type is no text, Code::file_format.
std::string text_of(const Image& image, const ElementType& type, std::span<const std::byte> element);

}  // namespace gyrus::io::hdf5
