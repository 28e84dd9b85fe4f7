// Which maker prepares which kind of operation.
#pragma once

#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cuda {

using KernelMaker = LoweredKernel (*)(const NodeContext& node);

KernelMaker kernel_maker(graph::OpKind kind);

}  // namespace gyrus::backend::cuda
