// Matrix products by cuBLASLt, which is opened at run time.
#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <memory>
#include <string>

#include "backend/cuda/cuda_queue.h"
#include "backend/cuda/plan_cache.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

// result [rows, columns] = left [rows, inner] right [inner, columns] (+ bias [columns]), all row-major and dense.
struct ProductShape {
  std::int64_t rows = 0, columns = 0, inner = 0;
  bool is_left_transposed = false;   // it lies in memory as [inner, rows]
  bool is_right_transposed = false;  // it lies in memory as [columns, inner]
  DType factors = DType::f32, result = DType::f32;
  bool has_bias = false;  // of the result's type
  bool adds = false;      // to what the result holds
  // Of all operands. Blocks of the arenas and segments of the store begin at multiples of 64 at least.
  std::int64_t alignment = 64;
};

// The functions of cuBLASLt that are used here.
struct BlasFunctions {
// The formatter does not settle on a layout of a list without separators.
// clang-format off
#define GYRUS_BLAS_FUNCTIONS(X) \
  X(Create) \
  X(Destroy) \
  X(GetVersion) \
  X(GetStatusString) \
  X(MatmulDescCreate) \
  X(MatmulDescDestroy) \
  X(MatmulDescSetAttribute) \
  X(MatrixLayoutCreate) \
  X(MatrixLayoutDestroy) \
  X(MatmulPreferenceCreate) \
  X(MatmulPreferenceDestroy) \
  X(MatmulPreferenceSetAttribute) \
  X(MatmulAlgoGetHeuristic) \
  X(Matmul)
// clang-format on
#define GYRUS_BLAS_MEMBER(name) decltype(&cublasLt##name) name = nullptr;
  GYRUS_BLAS_FUNCTIONS(GYRUS_BLAS_MEMBER)
#undef GYRUS_BLAS_MEMBER
};

class Blas {
 public:
  // Throws Code::cuda_unavailable where cuBLASLt is not found, with the places searched.
  Blas(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache);
  // With these functions: tests bring their own.
  Blas(const BlasFunctions& functions, std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  const BlasFunctions& functions() const { return functions_; }
  cublasLtHandle_t handle() const { return handle_; }
  CudaQueue& queue() const { return *queue_; }
  // Throws Code::internal with the expression unless the status says success.
  void check(cublasStatus_t status, const char* expression) const;

  PlanCache& cache() const { return *cache_; }

 private:
  BlasFunctions functions_;
  std::shared_ptr<CudaQueue> queue_;
  cublasLtHandle_t handle_ = nullptr;
  std::shared_ptr<PlanCache> cache_;
};

// 130101 is 13.1.1; 0 where cuBLASLt is not found.
std::size_t blas_version();

}  // namespace gyrus::backend::cuda

#define GYRUS_CUBLAS(blas, expression) (blas).check((blas).functions().expression, "cublasLt" #expression)
