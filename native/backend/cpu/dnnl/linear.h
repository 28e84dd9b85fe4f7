// y = x w^T + b and its gradients on oneDNN's matrix product.
#pragma once

#include "backend/cpu/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cpu {

LoweredKernel make_linear(const NodeContext& node);
LoweredKernel make_linear_grad_input(const NodeContext& node);
LoweredKernel make_linear_grad_weight(const NodeContext& node);

}  // namespace gyrus::backend::cpu
