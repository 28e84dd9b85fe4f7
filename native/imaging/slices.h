// A volume's slices as runs of memory, whichever axis they are cut across.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "imaging/histogram.h"
#include "imaging/plane.h"
#include "imaging/transpose.h"

namespace gyrus::imaging {

// Slices in stored order along the cut axis. Where that is the fastest axis, no two elements of a slice lie side by
// side: then the elements of 64 bytes' worth of slices are copied apart together, so that each cache line is read once.
template <class T>
class Slices {
 public:
  Slices(const Volume& volume, Plane plane)
      : data_(static_cast<const T*>(volume.voxels.data)),
        extents_(volume.voxels.extents),
        axis_(volume.orientation[axis_of(plane)]) {}

  std::int64_t count() const { return extents_[static_cast<std::size_t>(axis_.stored)]; }
  std::int64_t elements() const { return extents_[0] * extents_[1] * extents_[2] / count(); }
  // The place of the stored-th slice in canonical order.
  std::size_t canonical(std::int64_t stored) const {
    return static_cast<std::size_t>(axis_.is_flipped ? count() - 1 - stored : stored);
  }

  Runs<T> operator[](std::int64_t stored) {
    const std::int64_t plane = extents_[0] * extents_[1];
    if (axis_.stored == 2) return {data_ + stored * plane, extents_[1], extents_[0], extents_[0]};
    if (axis_.stored == 1) return {data_ + stored * extents_[0], extents_[2], extents_[0], plane};
    if (stored < first_ || stored >= first_ + kBlock || gathered_.empty()) gather(stored / kBlock * kBlock);
    return {gathered_.data() + (stored - first_) * elements(), extents_[2], extents_[1], extents_[1]};
  }

 private:
  static constexpr std::int64_t kBlock = 64 / sizeof(T);

  void gather(std::int64_t first) {
    first_ = first;
    const std::int64_t slices = std::min(kBlock, extents_[0] - first), size = elements();
    gathered_.resize(static_cast<std::size_t>(std::min(kBlock, extents_[0]) * size));
    transpose({data_ + first, extents_[0]}, size, slices, {gathered_.data(), size});
  }

  const T* data_;
  Extents3 extents_;
  CanonicalAxis axis_;
  std::int64_t first_ = 0;
  std::vector<T> gathered_;
};

}  // namespace gyrus::imaging
