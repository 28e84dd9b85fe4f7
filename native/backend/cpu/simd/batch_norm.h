// Batch normalisation with the statistics of the batch, fused with a residual and a relu.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_batch_norm(const NodeContext& node);

}  // namespace gyrus::backend::cpu
