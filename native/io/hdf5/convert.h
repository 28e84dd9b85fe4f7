// Numbers of a file to f32, of either byte order.
#pragma once

#include <cstddef>
#include <span>

#include "io/hdf5/element_type.h"

namespace gyrus::io::hdf5 {

// `raw` holds elements of a number type, `out` has one float a part (complex numbers have two).
void convert_numbers(const ElementType& type, std::span<const std::byte> raw, std::span<float> out);

// One number; integers beyond 2^53 are rounded.
double number_of(const ElementType& type, std::span<const std::byte> element);

}  // namespace gyrus::io::hdf5
