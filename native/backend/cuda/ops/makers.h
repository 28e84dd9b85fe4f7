// A maker for every kind of operation: make_<kind>(node), each in the file of its family.
#pragma once

#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"
#include "graph/op_kind.h"

namespace gyrus::backend::cuda {

#define GYRUS_DECLARE_MAKER(kind) LoweredKernel make_##kind(const NodeContext& node);
GYRUS_OP_KINDS(GYRUS_DECLARE_MAKER)
#undef GYRUS_DECLARE_MAKER

}  // namespace gyrus::backend::cuda
