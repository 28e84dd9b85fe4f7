// Two matrices one below the other, and the gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_concat_rows(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_concat_rows_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
