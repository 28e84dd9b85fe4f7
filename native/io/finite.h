// Finds NaN and infinity in data from outside.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/shape.h"

namespace gyrus::io {

// Index of the first NaN or infinity, -1 when there is none.
std::int64_t find_non_finite(std::span<const float> values);

// Throws Code::non_finite naming file, tensor, index and value. `values` has the shape's elements.
void check_finite(std::span<const float> values, const Shape& shape, std::string_view file, std::string_view tensor);

}  // namespace gyrus::io
