// Refuses batches that cannot be, before anything is compiled for them.
#pragma once

#include "core/shape.h"

namespace gyrus::binding {

// Number of elements of a batch [N, C, H, W] of f32. Throws Code::out_of_memory when it alone exceeds the machine's
// memory: no caller could hand it over, and sizes far beyond overflow the 32-bit arithmetic inside oneDNN.
std::int64_t checked_batch_elements(const Shape& batch);

}  // namespace gyrus::binding
