// Images from planes [N, C, H, W] to pixels [N, H, W, C].
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_to_channels_last(const NodeContext& node);

}  // namespace gyrus::backend::cpu
