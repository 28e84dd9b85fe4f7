// Percentiles with linear interpolation between the two nearest values, as numpy.percentile computes them.
#pragma once

#include <cstdint>
#include <span>

#include "imaging/volume.h"

namespace gyrus::imaging {

// What a volume's values are clipped to before they are scaled. Flat when both are equal: there is nothing to scale.
struct Window {
  double low = 0, high = 0;

  bool is_flat() const { return !(low < high); }
};

struct PercentileOptions {
  double low = 0.5, high = 99.5;  // per cent, 0 <= low < high <= 100
  bool counts_zeros = false;      // else only voxels whose value is not zero
};

// From counts of keys: counts[i] voxels have the key least + i. No voxel that counts: a flat window at zero.
Window window_of_keys(const Voxels& voxels, std::int64_t least, std::span<const std::uint64_t> counts,
                      const PercentileOptions& options);
// From f32 values; those that are not finite never count. Exact: a store an element in one pass, to tables of 2 MB, and
// reading in another.
Window window_of_values(std::span<const float> values, const PercentileOptions& options);

}  // namespace gyrus::imaging
