// What may be done to a slice to make a view of it, and whose view it is.
#pragma once

#include <cstdint>

namespace gyrus::imaging {

struct Range {
  float low = 0, high = 0;
};

// Steps come in this order; each draws numbers of its own, so that switching one off changes no other.
struct ViewOptions {
  Range crop{1, 1};                               // share of the slice's area; proportions between 3/4 and 4/3
  float bias_probability = 0, bias_strength = 0;  // a factor exp(polynomial of second order), as of a receiving coil
  float gamma_probability = 0;                    // values to a power
  Range gamma{1, 1};
  float noise_probability = 0, noise_std = 0;  // Rician, as of magnitude images: both parts are normal
  // Brightness and contrast in random order: values times a factor, and towards the mean. On grey images saturation,
  // hue and the conversion to grey do nothing, so there are none.
  float jitter_probability = 0, brightness = 0, contrast = 0;
  float blur_probability = 0;      // Gaussian, cut off at 3 sigma, edges repeated
  Range blur_sigma{0.1F, 2};       // pixels
  float solarize_probability = 0;  // v >= 1/2 becomes 1 - v
  float flip_probability = 0;      // left and right
};

// Whose view: all randomness is a function of it (science.md B9; DESIGN.md, determinism).
struct ViewKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0, sample = 0;
  std::uint32_t view = 0;  // 0 or 1
};

// Values between 0 and 1 are moved and scaled by these at the end.
struct Normalization {
  float mean = 0, std = 1;
};

}  // namespace gyrus::imaging
