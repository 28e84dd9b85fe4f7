// One token out of each sequence, and the gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_select_token(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_select_token_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
