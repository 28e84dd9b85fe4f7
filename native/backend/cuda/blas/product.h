// One prepared matrix product: which of cuBLASLt's kernels computes it is chosen when it is made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/blas/blas.h"

namespace gyrus::backend::cuda {

class Product {
 public:
  Product(std::shared_ptr<Blas> blas, const ProductShape& shape);
  ~Product();
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  std::int64_t scratch_bytes() const { return scratch_bytes_; }
  // Enqueues. `bias` is ignored unless the shape has one. All pointers are aligned as the shape says.
  void run(const void* left, const void* right, const void* bias, void* result, void* scratch);

  std::int64_t terms() const { return shape_.rows * shape_.columns * shape_.inner; }
  // Tries all candidates on these arrays, whose contents do not matter and whose result is overwritten, and keeps the
  // fastest. Waits. Later products of that shape, in other processes too, take what was found.
  void tune(const void* left, const void* right, const void* bias, void* result, void* scratch);

 private:
  void describe();
  void find_candidates();
  std::string key() const;
  void set_bias(const void* bias);
  cublasStatus_t start(const cublasLtMatmulAlgo_t& algorithm, const void* left, const void* right, void* result,
                       void* scratch) const;

  std::shared_ptr<Blas> blas_;
  ProductShape shape_;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t left_ = nullptr, right_ = nullptr, result_ = nullptr;
  std::vector<cublasLtMatmulHeuristicResult_t> candidates_;  // the heuristics' best first
  std::size_t choice_ = 0;
  std::int64_t scratch_bytes_ = 0;
};

}  // namespace gyrus::backend::cuda
