// One pass over a volume's slices: the intensity window, and of every slice its entropy and its share of foreground.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "imaging/histogram.h"
#include "imaging/percentile.h"
#include "imaging/plane.h"

namespace gyrus::imaging {

// Over what an entropy is taken.
enum class EntropyDomain {
  slice,  // all pixels
  box,    // the smallest rectangle that holds all pixels whose value is not zero: empty background counts less
};

struct StatisticsOptions {
  Plane plane = Plane::axial;
  PercentileOptions percentiles;
  EntropyDomain domain = EntropyDomain::slice;
  double foreground = 0.1;  // scaled values above this, 0 to 1, are foreground
};

struct VolumeStatistics {
  Window window;
  std::vector<double> entropy;     // bits, in canonical order
  std::vector<double> foreground;  // 0 to 1
  std::int64_t non_finite = 0;     // NaN counts as the window's low end, an infinity as the end it lies at
};

// The grey level from 0 to 255 of a value: floor(255 (x - low) / (high - low)), clipped; 0 in a flat window.
int grey_level(double value, const Window& window);

struct SliceCounts;
template <class T>
class Slices;

class SliceStatistician {
 public:
  // Memory: 64 bytes an element of a slice, 20 bytes a slice, and 16 MB. Throws Code::shape (plane.h).
  VolumeStatistics examine(const Volume& volume, const StatisticsOptions& options);

 private:
  // Memory kept from volume to volume.
  KeyHistogram histogram_;
  std::vector<std::uint32_t> pool_;
  std::vector<std::uint8_t> grey_;

  template <class T>
  std::vector<SliceCounts> count_slices(Slices<T>& slices, T sign, std::optional<T> background,
                                        std::vector<std::uint64_t>& total);
  template <class T>
  void examine_keys(const Volume& volume, const StatisticsOptions& options, VolumeStatistics& statistics);
  void examine_values(const Volume& volume, const StatisticsOptions& options, VolumeStatistics& statistics);
};

}  // namespace gyrus::imaging
