// Shannon entropy of images with 256 grey levels.
#pragma once

#include <cstdint>
#include <span>

namespace gyrus::imaging {

// H = -sum p log2 p over the grey levels that occur, in bits (0 to 8); 0 for no pixel at all. Equal to scikit-image's
// shannon_entropy of the same pixels up to rounding.
double entropy_bits(std::span<const std::uint32_t, 256> counts);

// The entropy of each of entropies.size() images of equal size that follow one another. Reads each byte once.
void image_entropies(std::span<const std::uint8_t> images, std::span<double> entropies);

}  // namespace gyrus::imaging
