// The momentum encoder's moving average: one sweep over the arenas (math/ema.h).
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_ema_update(const NodeContext& node);

}  // namespace gyrus::backend::cpu
