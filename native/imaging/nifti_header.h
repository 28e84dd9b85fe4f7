// The headers of NIfTI-1 and NIfTI-2 (nifti1.h, nifti2.h of the NIfTI Data Format Working Group), both byte orders.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "imaging/orientation.h"

namespace gyrus::imaging {

// The bytes that a header may take: NIfTI-2's 540 and NIfTI-1's 348.
constexpr std::int64_t kNiftiHeaderBytes = 540;

// Element types by their NIfTI codes.
enum class NiftiType : std::int16_t {
  u8 = 2,
  i16 = 4,
  i32 = 8,
  f32 = 16,
  complex64 = 32,
  f64 = 64,
  i8 = 256,
  u16 = 512,
  u32 = 768,
  i64 = 1024,
  u64 = 1280,
  f128 = 1536,
  complex128 = 1792,
  complex256 = 2048,
};

std::int64_t bytes_of(NiftiType type);

struct NiftiHeader {
  int version = 1;
  bool is_swapped = false;  // the file's byte order is not the machine's
  bool is_pair = false;     // voxels lie in a file of their own (.img)
  NiftiType type = NiftiType::u8;
  Extents3 extents{};       // fastest first
  std::int64_t frames = 1;  // product of the extents beyond the third
  std::int64_t voxel_offset = 0;
  // value = slope * stored + inter
  double slope = 1, inter = 0;
  Affine affine{};

  std::int64_t frame_bytes() const { return extents[0] * extents[1] * extents[2] * bytes_of(type); }
};

// Reads the header at the start of `bytes` (fewer than kNiftiHeaderBytes for a file that is shorter). Where nibabel
// mends, so does this: a voxel size of zero counts as one, a negative one as positive, a slope of zero or NaN as "no
// scaling". The affine is the sform if its code is positive, else the qform, else voxel sizes about the middle with x
// running left. Throws Code::file_format, and Code::dtype for RGB and binary voxels; both name `label`.
NiftiHeader parse_nifti_header(std::span<const std::byte> bytes, std::string_view label);

}  // namespace gyrus::imaging
