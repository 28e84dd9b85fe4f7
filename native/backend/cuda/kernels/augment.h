// Augmented views of 16-bit slices, as imaging/augment makes them on the CPU, from the same draws and formulas.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"
#include "math/view_plan.h"

namespace gyrus::backend::cuda {

struct AugmentArgs {
  const std::uint16_t* slices = nullptr;   // [slices, source_size, source_size]
  const math::ViewPlan* plans = nullptr;   // [views], device: what imaging::plan_view() drew for each
  const std::int32_t* slice_of = nullptr;  // [views], device: which slice each view is of; null: view i is of slice i
  void* out = nullptr;                     // [views, size, size, channels] dtype, channels alike: what a network reads
  DType dtype = DType::f32;
  void* scratch = nullptr;
  std::int64_t views = 0, channels = 1, source_size = 0, size = 0;
  float mean = 0, std = 1;  // normalisation
};
// Of some 64 views, however many there are: they are made in portions that stay in the L2 cache.
std::int64_t augment_scratch_bytes(const AugmentArgs& args);
void augment_forward(Stream stream, const AugmentArgs& args);

}  // namespace gyrus::backend::cuda
