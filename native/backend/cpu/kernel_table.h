// Which maker prepares which kind of operation.
#pragma once

#include "backend/cpu/node_context.h"
#include "backend/lowered_kernel.h"
#include "graph/op_kind.h"

namespace gyrus::backend::cpu {

using KernelMaker = LoweredKernel (*)(const NodeContext& node);

// Throws Code::internal naming the kind if the table has no row for it.
KernelMaker kernel_maker(graph::OpKind kind);

}  // namespace gyrus::backend::cpu
