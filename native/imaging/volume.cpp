#include "imaging/volume.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::imaging {
namespace {

template <class T, class ToValue>
void copy_canonical(const Volume& volume, const T* data, std::span<float> out, ToValue to_value) {
  const Walk walk = walk_of(volume);
  const Extents3 extents = volume.extents();
  float* to = out.data();
  for (std::int64_t z = 0; z < extents[2]; ++z) {
    for (std::int64_t y = 0; y < extents[1]; ++y) {
      const T* row = data + walk.start + z * walk.step[2] + y * walk.step[1];
      for (std::int64_t x = 0; x < extents[0]; ++x) *to++ = to_value(row[x * walk.step[0]]);
    }
  }
}

template <class T>
void copy_keys(const Volume& volume, std::span<float> out) {
  const Voxels& voxels = volume.voxels;
  const auto sign = static_cast<T>(voxels.sign);
  copy_canonical(volume, static_cast<const T*>(voxels.data), out,
                 [&](T raw) { return static_cast<float>(voxels.value_of(static_cast<T>(raw ^ sign))); });
}

}  // namespace

Walk walk_of(const Volume& volume) {
  const Extents3& extents = volume.voxels.extents;
  const std::array<std::int64_t, 3> strides = {1, extents[0], extents[0] * extents[1]};
  Walk walk;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto [stored, is_flipped] = volume.orientation[axis];
    const auto at = static_cast<std::size_t>(stored);
    walk.step[axis] = is_flipped ? -strides[at] : strides[at];
    if (is_flipped) walk.start += strides[at] * (extents[at] - 1);
  }
  return walk;
}

Extents3 Volume::extents() const {
  Extents3 result;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    result[axis] = voxels.extents[static_cast<std::size_t>(orientation[axis].stored)];
  }
  return result;
}

void read_canonical(const Volume& volume, std::span<float> out) {
  GYRUS_ASSERT(static_cast<std::int64_t>(out.size()) == volume.voxels.count());
  switch (volume.voxels.kind) {
    case VoxelKind::u8:
      return copy_keys<std::uint8_t>(volume, out);
    case VoxelKind::u16:
      return copy_keys<std::uint16_t>(volume, out);
    case VoxelKind::f32:
      return copy_canonical(volume, static_cast<const float*>(volume.voxels.data), out, [](float x) { return x; });
  }
}

}  // namespace gyrus::imaging
