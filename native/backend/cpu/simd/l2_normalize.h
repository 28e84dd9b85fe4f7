// Rows divided by their Euclidean norm, and the gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_l2_normalize(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_l2_normalize_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
