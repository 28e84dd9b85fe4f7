#include <cublasLt.h>
// NVIDIA's header must not see the emulator's macros; the emulator must come before everything else.
#include "tests/cuda/emulator.h"
// This order.
#include "backend/cuda/blas/blas.h"
#include "backend/cuda/dnn/dnn.h"
#include "tests/cuda_build/host_blas.h"
#include "tests/cuda_build/host_context.h"

namespace gyrus::tests {

using backend::cuda::CudaContext;

std::shared_ptr<CudaContext> make_host_context(const std::string& machine) {
  auto context = std::make_shared<CudaContext>();
  context->queue = std::make_shared<backend::cuda::CudaQueue>();
  const auto cache = std::make_shared<backend::cuda::PlanCache>(machine);
  context->blas = std::make_shared<backend::cuda::Blas>(host_blas_functions(), context->queue, cache);
  context->dnn = std::make_shared<backend::cuda::Dnn>(context->queue, cache);
  return context;
}

}  // namespace gyrus::tests
