// Scaled dot-product attention over packed [Q | K | V], and its gradient.
#pragma once

#include "backend/cpu/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cpu {

LoweredKernel make_attention(const NodeContext& node);
LoweredKernel make_attention_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
