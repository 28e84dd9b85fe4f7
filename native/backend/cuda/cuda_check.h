// Errors of the CUDA run time as gyrus's own, quoting the call.
#pragma once

#include <cuda_runtime_api.h>

namespace gyrus::backend::cuda {

// Throws Code::out_of_memory, Code::cuda_unavailable (no driver, no device, a driver too old) or Code::internal.
void check_cuda(cudaError_t status, const char* expression);

}  // namespace gyrus::backend::cuda

#define GYRUS_CUDA(expression) ::gyrus::backend::cuda::check_cuda((expression), #expression)
