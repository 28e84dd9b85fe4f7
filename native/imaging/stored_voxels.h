// From the bytes of a NIfTI file to Voxels: byte order, element type, scaling.
#pragma once

#include <cstddef>
#include <span>

#include "imaging/nifti_header.h"
#include "imaging/volume.h"

namespace gyrus::imaging {

// Turns one frame into Voxels, in place: `bytes` (header.frame_bytes() of them, aligned to 4) is what Voxels::data
// points to afterwards. Complex voxels become their magnitude, wide integers and reals f32, as value in f64 rounded
// once.
Voxels adopt_frame(const NiftiHeader& header, std::span<std::byte> bytes);

}  // namespace gyrus::imaging
