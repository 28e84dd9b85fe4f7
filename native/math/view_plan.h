// What was drawn for one augmented view of one slice: plain numbers, the same on the host and on a GPU. Which draws
// they come from: imaging/augment/plan_view.h. What they do to pixels: math/view_pixels.h, in the order of these
// members.
#pragma once

#include <cstdint>

namespace gyrus::math {

struct ViewPlan {
  std::int32_t top = 0, left = 0, height = 0, width = 0;  // of the slice, in pixels
  // A factor exp(c0 t + c1 t^2 + (c2 + c3 t) u + c4 u^2) at column t and row u of the view, both from -1 to 1.
  float bias[5] = {};
  float gamma = 1;
  // Rician noise: of the pixel in column x and row y from words 0 and 1 of block noise_block + x size + y of this
  // Philox generator.
  float noise_std = 0;
  std::uint64_t noise_seed = 0, noise_stream = 0, noise_block = 0;
  float brightness = 1, contrast = 1;
  float blur_sigma = 0;  // pixels; 0: no blur
  bool has_bias = false, has_gamma = false, has_noise = false, has_jitter = false;
  bool is_brightness_first = false, is_solarized = false, is_flipped = false;
};

}  // namespace gyrus::math
