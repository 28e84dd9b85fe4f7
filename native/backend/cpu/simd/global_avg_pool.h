// Mean over the pixels of an image, and the gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_global_avg_pool(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_global_avg_pool_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
