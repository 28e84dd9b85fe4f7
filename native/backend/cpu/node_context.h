// What a maker of kernels sees of one node. Each family of ops declares its makers in simd/<op>.h or dnnl/<op>.h as
//   std::unique_ptr<backend::Kernel> make_<op kind>(const NodeContext& node);
// and kernel_table.cpp lists them all. KernelArgs.in / out come in the order of node.inputs / node.outputs. The context
// only lives during the call: a kernel copies what it needs.
#pragma once

#include <memory>

#include "backend/node_view.h"
#include "core/error.h"

namespace gyrus::backend::cpu {

class DnnlEngine;  // dnnl/dnnl_engine.h

struct NodeContext : NodeView {
  int threads = 1;                                   // size of the OpenMP team that runs the kernel
  std::shared_ptr<const DnnlEngine> dnnl = nullptr;  // set for the makers in dnnl/, which share one engine a backend
};

}  // namespace gyrus::backend::cpu
