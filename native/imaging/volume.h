// A volume in memory: voxels as they were stored, and what turns them into numbers and places.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "imaging/orientation.h"

namespace gyrus::imaging {

// Integers of up to 16 bits stay what they are: histograms of them are exact. Everything else becomes f32, scaled.
enum class VoxelKind { u8, u16, f32 };

struct Voxels {
  const void* data = nullptr;  // extents[0] fastest
  Extents3 extents{};
  VoxelKind kind = VoxelKind::f32;
  // u8 and u16 only. A stored element XOR `sign` is its key: unsigned, and ordered as the signed number was. The number
  // is key - bias, the voxel's value slope * number + inter.
  std::uint16_t sign = 0;
  std::int32_t bias = 0;
  double slope = 1, inter = 0;

  std::int64_t count() const { return extents[0] * extents[1] * extents[2]; }
  // The value of a key; not for f32, whose elements are values.
  double value_of(std::int64_t key) const { return slope * static_cast<double>(key - bias) + inter; }
};

struct Volume {
  Voxels voxels;
  Orientation orientation{{{0, false}, {1, false}, {2, false}}};
  Affine affine{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};  // canonical indices to mm
  std::string sha256;                                         // of the bytes that the volume was read from

  // Extents in canonical order: left to right, posterior to anterior, inferior to superior.
  Extents3 extents() const;
};

// The canonical axes as steps through the stored elements.
struct Walk {
  std::int64_t start = 0;            // the canonical voxel (0, 0, 0)
  std::array<std::int64_t, 3> step;  // one further along each canonical axis
};
Walk walk_of(const Volume& volume);

// All voxels as f32 in canonical order, the first axis fastest. `out` holds exactly as many.
void read_canonical(const Volume& volume, std::span<float> out);

}  // namespace gyrus::imaging
