// Fills freshly made parameters from the counter-based generator: tensor by tensor, so the order does not matter.
#pragma once

#include <cstdint>
#include <span>

#include "graph/parameter_spec.h"

namespace gyrus::nn {

// Element i of tensor `spec.name` is draw i of Philox{seed, stream_of(spec.name)}: uniform kinds use
// (2u - 1) * scale with u = Philox::uniform(i), computed in float; normal uses scale * Philox::normal(i).
void initialize(const graph::ParameterSpec& spec, std::uint64_t seed, std::span<float> out);

}  // namespace gyrus::nn
