#include "backend/cuda/cuda_check.h"

#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

Code code_of(cudaError_t status) {
  switch (static_cast<int>(status)) {
    case cudaErrorMemoryAllocation:
      return Code::out_of_memory;
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
    case cudaErrorInitializationError:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorDevicesUnavailable:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorStubLibrary:
      return Code::cuda_unavailable;
    default:
      return Code::internal;
  }
}

}  // namespace

void check_cuda(cudaError_t status, const char* expression) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // an error that is not sticky must not show up at a later call
  throw Error(code_of(status),
              text("CUDA: ", cudaGetErrorName(status), " (", cudaGetErrorString(status), ") from ", expression));
}

}  // namespace gyrus::backend::cuda
