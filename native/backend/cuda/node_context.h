// What a maker of kernels sees of one node, and what all kernels of a backend share. KernelArgs.in / out come in the
// order of node.inputs / node.outputs and are device pointers.
#pragma once

#include <cstdint>
#include <memory>

#include "backend/cuda/cuda_queue.h"
#include "backend/node_view.h"

namespace gyrus::backend::cuda {

class AttentionChoices;  // attention_choices.h
class Blas;              // blas/blas.h
class Dnn;               // dnn/dnn.h

struct CudaContext {
  std::shared_ptr<CudaQueue> queue;
  std::shared_ptr<Blas> blas;
  std::shared_ptr<Dnn> dnn;
  std::shared_ptr<AttentionChoices> attention;
  std::int64_t most_column_bytes = std::int64_t{256} << 20;  // of the windows that a convolution lays out at once
  // Smaller products are over before a better kernel could tell.
  std::int64_t least_tuned_terms = std::int64_t{1} << 28;
};

struct NodeContext : NodeView {
  std::shared_ptr<const CudaContext> cuda;
};

}  // namespace gyrus::backend::cuda
