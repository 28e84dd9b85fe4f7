// What was drawn for one augmented view of one slice: plain numbers, the same on the host and on a GPU. Which draws
// they come from: imaging/augment/plan_view.h.
#pragma once

#include <cstdint>

namespace gyrus::math {

struct ViewPlan {
  // Of the slice, in pixels.
  std::int32_t top = 0, left = 0, height = 0, width = 0;
  // exp of a polynomial in x and y, both from -1 to 1: c0 y + c1 y^2 + (c2 + c3 y) x + c4 x^2.
  float bias[5] = {};
  float gamma = 1, noise_std = 0, brightness = 1, contrast = 1;
  float blur_sigma = 0;  // pixels; 0: no blur
  // Pixel i's noise is made of words 0 and 1 of block noise_block + i of this Philox generator.
  std::uint64_t noise_seed = 0, noise_stream = 0, noise_block = 0;
  bool has_bias = false, has_gamma = false, has_noise = false, has_jitter = false;
  bool is_brightness_first = false, is_solarized = false, is_flipped = false;
};

}  // namespace gyrus::math
