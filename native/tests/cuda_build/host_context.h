// What a CUDA backend's kernels work with, where cuBLASLt and cuDNN are those on the host.
#pragma once

#include <memory>
#include <string>

#include "backend/cuda/ops/makers.h"

namespace gyrus::tests {

// As in a process of its own; `machine`: whose tuned choices it finds and keeps.
std::shared_ptr<backend::cuda::CudaContext> make_host_context(const std::string& machine = "host");

}  // namespace gyrus::tests
