// One-dimensional filters as weighted sums of neighbouring source pixels, for a host and for a CUDA thread.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace gyrus::math {

// From `source` pixels to `size`: a triangle as wide as the coarser of both grids, cut off at the source's ends. What
// PIL and torch.nn.functional.interpolate(antialias=True) do. Pixel i of the result is the sum over k < count of
// weight(i, k) source[first(i) + k], over the sum of the weights.
struct TriangleTaps {
  double scale, support;
  std::int64_t source, count;

  GYRUS_HOST_DEVICE TriangleTaps(std::int64_t from, std::int64_t size)
      : scale(static_cast<double>(from) / static_cast<double>(size)), support(scale > 1 ? scale : 1), source(from) {
    const std::int64_t wanted = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
    count = source < wanted ? source : wanted;
  }
  GYRUS_HOST_DEVICE double centre(std::int64_t i) const { return (static_cast<double>(i) + 0.5) * scale; }
  GYRUS_HOST_DEVICE std::int64_t first(std::int64_t i) const {
    const double wanted = std::floor(centre(i) - support + 0.5);
    const std::int64_t lowest = wanted > 0 ? static_cast<std::int64_t>(wanted) : 0, last = source - count;
    return lowest < last ? lowest : last;
  }
  GYRUS_HOST_DEVICE double weight(std::int64_t i, std::int64_t k) const {
    const double left = 1 - std::fabs(static_cast<double>(first(i) + k) + 0.5 - centre(i)) / support;
    return left > 0 ? left : 0;
  }
};

// exp(-k^2 / 2 sigma^2) for k from -radius to radius, before they are made to sum to 1.
GYRUS_HOST_DEVICE inline int gaussian_radius(float sigma) { return static_cast<int>(std::ceil(3 * sigma)); }
GYRUS_HOST_DEVICE inline double gaussian_weight(int k, float sigma) {
  return std::exp(-0.5 * k * k / (static_cast<double>(sigma) * static_cast<double>(sigma)));
}

}  // namespace gyrus::math
