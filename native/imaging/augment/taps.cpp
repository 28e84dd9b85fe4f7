#include "imaging/augment/taps.h"

#include <algorithm>
#include <cmath>

namespace gyrus::imaging {

Taps bilinear_taps(std::size_t source, std::size_t size) {
  const double scale = static_cast<double>(source) / static_cast<double>(size), support = std::max(scale, 1.0);
  Taps taps;
  taps.count = std::min(source, static_cast<std::size_t>(std::ceil(support)) * 2 + 1);
  taps.first.resize(size);
  taps.weights.assign(size * taps.count, 0.0F);
  std::vector<double> weights(taps.count);
  for (std::size_t i = 0; i < size; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto lowest = static_cast<std::size_t>(std::max(0.0, std::floor(center - support + 0.5)));
    taps.first[i] = std::min(lowest, source - taps.count);
    double sum = 0;
    for (std::size_t k = 0; k < taps.count; ++k) {
      const double distance = std::abs(static_cast<double>(taps.first[i] + k) + 0.5 - center) / support;
      weights[k] = std::max(0.0, 1 - distance);
      sum += weights[k];
    }
    for (std::size_t k = 0; k < taps.count; ++k) {
      taps.weights[i * taps.count + k] = static_cast<float>(weights[k] / sum);
    }
  }
  return taps;
}

std::vector<float> gaussian_weights(float sigma) {
  const int radius = static_cast<int>(std::ceil(3 * sigma));
  std::vector<double> exact;
  double sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    exact.push_back(std::exp(-0.5 * k * k / (static_cast<double>(sigma) * static_cast<double>(sigma))));
    sum += exact.back();
  }
  std::vector<float> weights(exact.size());
  for (std::size_t k = 0; k < exact.size(); ++k) weights[k] = static_cast<float>(exact[k] / sum);
  return weights;
}

}  // namespace gyrus::imaging
