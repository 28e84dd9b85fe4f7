#include "imaging/augment/taps.h"

#include "math/resize_taps.h"

namespace gyrus::imaging {

Taps bilinear_taps(std::size_t source, std::size_t size) {
  const math::TriangleTaps triangle(static_cast<std::int64_t>(source), static_cast<std::int64_t>(size));
  Taps taps;
  taps.count = static_cast<std::size_t>(triangle.count);
  taps.first.resize(size);
  taps.weights.assign(size * taps.count, 0.0F);
  std::vector<double> weights(taps.count);
  for (std::size_t i = 0; i < size; ++i) {
    taps.first[i] = static_cast<std::size_t>(triangle.first(static_cast<std::int64_t>(i)));
    double sum = 0;
    for (std::size_t k = 0; k < taps.count; ++k) {
      weights[k] = triangle.weight(static_cast<std::int64_t>(i), static_cast<std::int64_t>(k));
      sum += weights[k];
    }
    for (std::size_t k = 0; k < taps.count; ++k) {
      taps.weights[i * taps.count + k] = static_cast<float>(weights[k] / sum);
    }
  }
  return taps;
}

std::vector<float> gaussian_weights(float sigma) {
  const int radius = math::gaussian_radius(sigma);
  std::vector<double> exact;
  double sum = 0;
  for (int k = -radius; k <= radius; ++k) {
    exact.push_back(math::gaussian_weight(k, sigma));
    sum += exact.back();
  }
  std::vector<float> weights(exact.size());
  for (std::size_t k = 0; k < exact.size(); ++k) weights[k] = static_cast<float>(exact[k] / sum);
  return weights;
}

}  // namespace gyrus::imaging
