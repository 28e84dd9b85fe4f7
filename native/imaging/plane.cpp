#include "imaging/plane.h"

#include "core/error.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kMostExtent = 65535;

struct Axes {
  std::size_t across, columns, rows;
};

Axes axes_of(Plane plane) {
  switch (plane) {
    case Plane::axial:
      return {2, 0, 1};
    case Plane::coronal:
      return {1, 0, 2};
    case Plane::sagittal:
      return {0, 1, 2};
  }
  GYRUS_ASSERT(false);
}

}  // namespace

std::size_t axis_of(Plane plane) { return axes_of(plane).across; }

std::int64_t slice_count(const Volume& volume, Plane plane) { return volume.extents()[axis_of(plane)]; }

void check_extents(const Volume& volume) {
  for (const std::int64_t extent : volume.voxels.extents) {
    GYRUS_CHECK(extent <= kMostExtent, Code::shape, "a volume with ", extent, " voxels along an axis: more than ",
                kMostExtent, " are no scan; check its axes");
  }
}

SliceView slice_view(const Volume& volume, Plane plane, std::int64_t index) {
  const Axes axes = axes_of(plane);
  const Extents3 extents = volume.extents();
  const Walk walk = walk_of(volume);
  const std::array<double, 3> mm = spacing_of(volume.affine);
  GYRUS_ASSERT(index >= 0 && index < extents[axes.across]);
  // Rows run against their axis: the top row is the one furthest forward or up.
  return {.start = walk.start + index * walk.step[axes.across] + (extents[axes.rows] - 1) * walk.step[axes.rows],
          .rows = extents[axes.rows],
          .columns = extents[axes.columns],
          .row_step = -walk.step[axes.rows],
          .column_step = walk.step[axes.columns],
          .row_mm = mm[axes.rows],
          .column_mm = mm[axes.columns]};
}

}  // namespace gyrus::imaging
