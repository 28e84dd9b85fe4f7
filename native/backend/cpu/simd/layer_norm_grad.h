// Gradient of layer normalisation, fused with the sum of gradients behind it.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_layer_norm_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
