// Sum over all rows: the gradient of a bias.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_sum_rows(const NodeContext& node);

}  // namespace gyrus::backend::cpu
