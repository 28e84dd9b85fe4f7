// Convolutions that sum what a batch norm needs, and batch norms that read the sums.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backend/cuda/kernels/batch_norm.h"
#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cuda {

// Sets the pointers of its first argument from its second.
using PlaceBatchNorm = std::function<void(BatchNormArgs&, const KernelArgs&)>;

// A forward convolution with its sums as a block beside its result; nothing where no training batch norm reads it, or
// where it was remembered as the slower way, or refused: then `refusal` quotes cuDNN. Its weights are to be packed as a
// plain one's.
std::optional<LoweredKernel> make_summing_convolution(const NodeContext& convolution, std::string& refusal);
// The norm behind such a convolution; nothing behind any other.
std::optional<LoweredKernel> make_summed_batch_norm(const NodeContext& norm, const BatchNormArgs& args,
                                                    PlaceBatchNorm place);

}  // namespace gyrus::backend::cuda
