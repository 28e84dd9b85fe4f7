// Gradient of batch normalisation, fused with the relu's mask and a second summand of dy.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_batch_norm_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
