// Rows times factors of their own: stochastic depth and its gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_scale_rows(const NodeContext& node);

}  // namespace gyrus::backend::cpu
