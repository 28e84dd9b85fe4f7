// Gradients of the parts of a step over micro-batches, gathered: one sweep over the arenas.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_gradient_accumulate(const NodeContext& node);

}  // namespace gyrus::backend::cpu
