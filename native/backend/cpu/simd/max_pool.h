// Maximum over windows of an image, and the gradient by the kept positions.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_max_pool(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_max_pool_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
