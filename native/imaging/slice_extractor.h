// Slices as shards hold them: 16 bits over the volume's intensity window, upright, square.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "imaging/percentile.h"
#include "imaging/plane.h"
#include "imaging/resample.h"

namespace gyrus::imaging {

class SliceExtractor {
 public:
  // Writes the chosen slices, [indices.size(), size, size], to `out`: round(65535 (x - low) / (high - low)), clipped;
  // 0 for what is no number. A pixel's value is low + level (high - low) / 65535. Throws Code::shape (plane.h).
  struct Request {
    Plane plane = Plane::axial;
    Window window;
    std::int64_t size = 256;  // pixels
  };
  void extract(const Volume& volume, const Request& request, std::span<const std::int64_t> indices,
               std::span<std::uint16_t> out);

 private:
  void fill_levels(const Volume& volume, const Window& window);
  void read_upright(const Volume& volume, const SliceView& view, const Window& window);

  Resampler resampler_;
  std::vector<std::uint16_t> level_of_;  // by stored element, for volumes of up to 16 bits
  std::vector<std::uint16_t> upright_;
  std::vector<float> values_;          // of a line
  std::vector<std::uint16_t> levels_;  // of these
};

}  // namespace gyrus::imaging
