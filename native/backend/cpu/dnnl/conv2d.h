// Convolution and its two gradients on oneDNN, over channels-last activations.
#pragma once

#include "backend/cpu/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cpu {

LoweredKernel make_conv2d(const NodeContext& node);
LoweredKernel make_conv2d_grad_input(const NodeContext& node);
LoweredKernel make_conv2d_grad_weight(const NodeContext& node);

}  // namespace gyrus::backend::cpu
