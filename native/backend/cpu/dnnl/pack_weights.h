// Parameters are plain f32; oneDNN wants them in the compute type and blocked. This makes the steps that convert them.
#pragma once

#include <optional>

#include "backend/cpu/dnnl/dnnl_engine.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cpu {

// The request for input `input`, whose plain form in memory is `plain`, to be packed as `wanted`; nothing if they are
// the same.
std::optional<PackRequest> request_pack(const NodeContext& node, std::size_t input, const ::dnnl::memory::desc& plain,
                                        const ::dnnl::memory::desc& wanted);

}  // namespace gyrus::backend::cpu
