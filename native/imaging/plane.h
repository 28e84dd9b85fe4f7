// Slices of a volume: how many there are, and where the elements of one lie.
#pragma once

#include <cstdint>

#include "imaging/volume.h"

namespace gyrus::imaging {

enum class Plane { axial, coronal, sagittal };

// The canonical axis along which slices of the plane follow one another, upwards, forwards or to the right.
std::size_t axis_of(Plane plane);
std::int64_t slice_count(const Volume& volume, Plane plane);

// Throws Code::shape when an axis has more than 65535 voxels: no scan does, counts of a slice's elements then fit
// 32 bits, and what resampling needs memory for stays small.
void check_extents(const Volume& volume);

// One slice as it is looked at: anterior or superior up; x to the right, in sagittal slices y. In NumPy's words
// np.rot90(v[:, :, k]) of the canonical volume, or of v[:, k, :], v[k, :, :].
struct SliceView {
  std::int64_t start = 0;  // element of the top left corner
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_step = 0, column_step = 0;  // in elements, either may be negative
  double row_mm = 1, column_mm = 1;            // from one row or column to the next
};
SliceView slice_view(const Volume& volume, Plane plane, std::int64_t index);

}  // namespace gyrus::imaging
