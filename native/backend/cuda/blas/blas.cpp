#include "backend/cuda/blas/blas.h"

#include <utility>

#include "backend/cuda_libraries.h"
#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

template <class Function>
void load(Function& function, const char* name) {
  void* const found = cuda_function(CudaLibrary::cublas_lt, name);
  GYRUS_CHECK(found != nullptr, Code::cuda_unavailable, find_cuda_library(CudaLibrary::cublas_lt).path,
              " has no function ", name, "; install cuBLAS 13");
  function = reinterpret_cast<Function>(found);
}

BlasFunctions load_functions() {
  const LibrarySearch& search = find_cuda_library(CudaLibrary::cublas_lt);
  GYRUS_CHECK(!search.path.empty(), Code::cuda_unavailable,
              "there is no cuBLAS 13: install it, or name its folder in GYRUS_CUDA_LIBRARIES\ncaused by: ",
              describe_missing(search));
  BlasFunctions functions;
#define GYRUS_BLAS_LOAD(name) load(functions.name, "cublasLt" #name);
  GYRUS_BLAS_FUNCTIONS(GYRUS_BLAS_LOAD)
#undef GYRUS_BLAS_LOAD
  return functions;
}

}  // namespace

Blas::Blas(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache)
    : Blas(load_functions(), std::move(queue), std::move(cache)) {}

Blas::Blas(const BlasFunctions& functions, std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache)
    : functions_(functions), queue_(std::move(queue)), cache_(std::move(cache)) {
  // Whatever the reason: a machine on which it cannot start has no GPU that gyrus can use.
  const cublasStatus_t status = functions_.Create(&handle_);
  GYRUS_CHECK(status == CUBLAS_STATUS_SUCCESS, Code::cuda_unavailable, "cuBLASLt ", functions_.GetVersion(),
              " does not start (", functions_.GetStatusString(status),
              "); check that all its libraries are of one version, and the GPU's free memory");
}

Blas::~Blas() { (void)functions_.Destroy(handle_); }

std::size_t blas_version() {
  void* const found = cuda_function(CudaLibrary::cublas_lt, "cublasLtGetVersion");
  return found != nullptr ? reinterpret_cast<decltype(&cublasLtGetVersion)>(found)() : 0;
}

void Blas::check(cublasStatus_t status, const char* expression) const {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const Code code = status == CUBLAS_STATUS_ALLOC_FAILED ? Code::out_of_memory : Code::internal;
  throw Error(code, text("cuBLASLt: ", functions_.GetStatusString(status), " from ", expression));
}

}  // namespace gyrus::backend::cuda
