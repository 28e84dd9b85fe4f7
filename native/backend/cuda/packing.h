// Parameters in the form that a product or a convolution reads: a step of its own, shared by all who want the same.
#pragma once

#include <cstddef>
#include <optional>

#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cuda {

// Input `input`, f32, converted to `dtype`. Nothing when it has that type already.
std::optional<PackRequest> request_cast(const NodeContext& node, std::size_t input, DType dtype);
// Input `input`, convolution weights [Co, Ci, KH, KW] f32, as [Co, KH, KW, Ci] of `dtype`.
PackRequest request_channels_last(const NodeContext& node, std::size_t input, DType dtype);

}  // namespace gyrus::backend::cuda
