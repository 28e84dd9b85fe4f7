// Where a volume's voxels lie in space, and the reading order that makes its axes run right, anterior and superior.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gyrus::imaging {

// Rows of [R | t]: voxel indices to millimetres, right-anterior-superior.
using Affine = std::array<std::array<double, 4>, 3>;
using Extents3 = std::array<std::int64_t, 3>;

// One axis of the canonical volume: which stored axis it is, and whether it is read backwards.
struct CanonicalAxis {
  int stored = 0;
  bool is_flipped = false;
};
using Orientation = std::array<CanonicalAxis, 3>;  // [0] left to right, [1] posterior to anterior, [2] up

// The axis permutation and flips that bring the affine closest to the identity: every stored axis goes to the direction
// in which the nearest rotation (polar decomposition of the affine without its zooms) moves it most, the clearest axis
// first. The result is that of nibabel's io_orientation. Throws Code::file_format naming `label` when the affine is
// singular or not finite.
Orientation closest_canonical(const Affine& affine, std::string_view label);

// The affine of the volume after it was reordered; `stored` are the extents before.
Affine canonical_affine(const Affine& affine, const Orientation& orientation, const Extents3& stored);

// Lengths of a voxel's edges in mm.
std::array<double, 3> spacing_of(const Affine& affine);

}  // namespace gyrus::imaging
