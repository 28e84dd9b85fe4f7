// LARS: norms of every tensor, then one fused sweep over the arenas (math/lars.h).
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_lars_update(const NodeContext& node);

}  // namespace gyrus::backend::cpu
