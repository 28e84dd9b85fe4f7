// Weights of one-dimensional filters, as sums over neighbouring source pixels.
#pragma once

#include <cstddef>
#include <vector>

namespace gyrus::imaging {

// Pixel i of the result is the sum over k < count of weights[i * count + k] * source[first[i] + k].
struct Taps {
  std::size_t count = 0;
  std::vector<std::size_t> first;
  std::vector<float> weights;
};

// From `source` pixels to `size`: a triangle as wide as the coarser of both grids, cut off at the source's ends. What
// PIL and torch.nn.functional.interpolate(antialias=True) do.
Taps bilinear_taps(std::size_t source, std::size_t size);

// Weights exp(-k^2 / 2 sigma^2) for k from -r to r, r = ceil(3 sigma), of sum 1.
std::vector<float> gaussian_weights(float sigma);

}  // namespace gyrus::imaging
