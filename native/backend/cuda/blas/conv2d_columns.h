// Convolutions as matrix products over windows laid out as columns, for what cuDNN has no engine for.
#pragma once

#include <memory>

#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cuda {

// The kernel of a convolution node of any direction, and how it wants its weights (input 1, unless the direction is
// grad_weight) packed.
LoweredKernel make_conv2d_columns(const NodeContext& node, const ConvShape& shape);

}  // namespace gyrus::backend::cuda
