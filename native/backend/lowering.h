// From a scheduled graph to prepared kernels, with the packing of weights as steps of their own. What the backends
// share; each brings its table of makers.
#pragma once

#include <functional>

#include "backend/backend.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend {

using MakeKernel = std::function<LoweredKernel(const graph::Node& node)>;

LoweredGraph lower_nodes(const graph::Graph& graph, const MakeKernel& make);

}  // namespace gyrus::backend
