// SGD with momentum: one fused sweep over the arenas (math/sgd.h).
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_sgd_update(const NodeContext& node);

}  // namespace gyrus::backend::cpu
