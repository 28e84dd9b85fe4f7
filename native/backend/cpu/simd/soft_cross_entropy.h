// Cross entropy with soft targets, and its gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_soft_cross_entropy(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_soft_cross_entropy_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
