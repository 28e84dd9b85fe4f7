// Values to grey levels, many at a time.
#pragma once

#include <cstdint>
#include <span>

#include "imaging/percentile.h"

namespace gyrus::imaging {

// grey[i] = floor(255 (x[i] - low) / (high - low)), clipped to 0..255, in f64; 0 for NaN and in a flat window. Reads 4
// bytes and writes one an element; one division in eight lanes (AVX-512) is what it costs.
void to_grey_levels(std::span<const float> values, const Window& window, std::span<std::uint8_t> grey);
// The same to 0..65535, rounded to nearest: what shards hold.
void to_levels_16(std::span<const float> values, const Window& window, std::span<std::uint16_t> levels);

}  // namespace gyrus::imaging
