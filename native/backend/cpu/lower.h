// From a scheduled graph to prepared kernels, with the packing of weights as steps of their own.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace gyrus::backend::cpu {

class DnnlEngine;

LoweredGraph lower_graph(const graph::Graph& graph, int threads, const std::shared_ptr<const DnnlEngine>& dnnl);

}  // namespace gyrus::backend::cpu
