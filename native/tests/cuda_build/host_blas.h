// cuBLASLt on the host, as its documentation describes it: column-major matrices with leading dimensions, transposed
// factors, alpha and beta, a bias a row of the result. So the code that describes products to it runs without a GPU.
#pragma once

#include <cublasLt.h>

#include <vector>

#include "backend/cuda/blas/blas.h"

namespace gyrus::tests {

// An algorithm that the heuristics list.
struct HostAlgorithm {
  bool is_listed_as_possible = true;  // the state of its entry
  bool works = true;                  // false: Matmul() gives CUBLAS_STATUS_NOT_SUPPORTED
  std::size_t scratch_bytes = 0;      // Matmul() overwrites so many
};

// What has not been described correctly (extents that do not fit, an attribute's size, a pointer off the alignment that
// was promised, scratch memory that is too small) is CUBLAS_STATUS_INVALID_VALUE; what is not built,
// CUBLAS_STATUS_NOT_SUPPORTED.
backend::emulated_cuda::BlasFunctions host_blas_functions();

// What the heuristics list from now on, best first. One that works, with scratch memory, unless this was called.
void set_host_algorithms(std::vector<HostAlgorithm> algorithms);
// Which of them the last product ran.
std::size_t last_host_algorithm();

}  // namespace gyrus::tests
