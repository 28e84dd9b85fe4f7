// Batch normalisation with the running statistics, fused with a residual and a relu.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_batch_norm_inference(const NodeContext& node);

}  // namespace gyrus::backend::cpu
