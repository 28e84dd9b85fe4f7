// Layer normalisation, fused with the residual sum in front of it.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_layer_norm(const NodeContext& node);

}  // namespace gyrus::backend::cpu
