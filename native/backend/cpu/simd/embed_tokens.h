// Class token and position embedding in front of a vision transformer, and the gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_embed_tokens(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_embed_tokens_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
