#include "imaging/entropy.h"

#include <array>
#include <cmath>

#include "core/error.h"
#include "imaging/histogram.h"

namespace gyrus::imaging {

double entropy_bits(std::span<const std::uint32_t, 256> counts) {
  double total = 0, weighted = 0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    total += count;
    weighted += count * std::log2(static_cast<double>(count));
  }
  // -sum (c/n) log2(c/n) = log2 n - (sum c log2 c) / n; rounding may leave one grey level a little below zero.
  return total > 0 ? std::fmax(std::log2(total) - weighted / total, 0) : 0;
}

void image_entropies(std::span<const std::uint8_t> images, std::span<double> entropies) {
  if (entropies.empty()) return;
  GYRUS_ASSERT(images.size() % entropies.size() == 0);
  const std::size_t size = images.size() / entropies.size();
  std::array<std::uint32_t, 256> counts;
  for (std::size_t i = 0; i < entropies.size(); ++i) {
    const auto pixels = static_cast<std::int64_t>(size);
    count_bytes({images.data() + i * size, 1, pixels, pixels}, 0, counts);
    entropies[i] = entropy_bits(counts);
  }
}

}  // namespace gyrus::imaging
