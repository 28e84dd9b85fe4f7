// cuBLASLt thinks in columns: a row-major matrix [r, c] is its column-major one of c rows. So result = left right is
// asked for as result^T = right^T left^T, with the factors in exchanged places.
#include "backend/cuda/blas/product.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

// What NVIDIA advises for Hopper; more has brought nothing there.
constexpr std::uint64_t kMostScratch = std::uint64_t{32} << 20;
constexpr int kMostCandidates = 8;
constexpr int kRepeats = 3;

cudaDataType_t blas_type(DType dtype) {
  GYRUS_ASSERT(dtype == DType::f32 || dtype == DType::bf16);
  return dtype == DType::f32 ? CUDA_R_32F : CUDA_R_16BF;
}

}  // namespace

Product::Product(std::shared_ptr<Blas> blas, const ProductShape& shape) : blas_(std::move(blas)), shape_(shape) {
  describe();
  find_candidates();
  if (const auto known = blas_->cache().find(key()); known && static_cast<std::size_t>(*known) < candidates_.size()) {
    choice_ = static_cast<std::size_t>(*known);
  }
  for (const auto& candidate : candidates_) {
    scratch_bytes_ = std::max(scratch_bytes_, static_cast<std::int64_t>(candidate.workspaceSize));
  }
}

Product::~Product() {
  const BlasFunctions& lt = blas_->functions();
  for (cublasLtMatrixLayout_t layout : {left_, right_, result_}) {
    if (layout != nullptr) (void)lt.MatrixLayoutDestroy(layout);
  }
  if (description_ != nullptr) (void)lt.MatmulDescDestroy(description_);
}

void Product::describe() {
  // CUBLAS_COMPUTE_32F never rounds f32 factors to TF32.
  GYRUS_CUBLAS(*blas_, MatmulDescCreate(&description_, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const auto set = [&](cublasLtMatmulDescAttributes_t name, auto value) {
    GYRUS_CUBLAS(*blas_, MatmulDescSetAttribute(description_, name, &value, sizeof(value)));
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, shape_.is_right_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, shape_.is_left_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (shape_.has_bias) set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  const auto add = [&](cublasLtMatrixLayout_t* layout, DType dtype, std::int64_t rows, std::int64_t columns) {
    GYRUS_CUBLAS(*blas_, MatrixLayoutCreate(layout, blas_type(dtype), static_cast<std::uint64_t>(rows),
                                            static_cast<std::uint64_t>(columns), rows));
  };
  const auto& s = shape_;
  const auto [right_rows, right_columns] =
      s.is_right_transposed ? std::pair{s.inner, s.columns} : std::pair{s.columns, s.inner};
  const auto [left_rows, left_columns] = s.is_left_transposed ? std::pair{s.rows, s.inner} : std::pair{s.inner, s.rows};
  add(&right_, s.factors, right_rows, right_columns);
  add(&left_, s.factors, left_rows, left_columns);
  add(&result_, s.result, s.columns, s.rows);
}

void Product::find_candidates() {
  const BlasFunctions& lt = blas_->functions();
  cublasLtMatmulPreference_t wishes = nullptr;
  GYRUS_CUBLAS(*blas_, MatmulPreferenceCreate(&wishes));
  const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, cublasStatus_t (*)(cublasLtMatmulPreference_t)> owner(
      wishes, lt.MatmulPreferenceDestroy);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t name, auto value) {
    GYRUS_CUBLAS(*blas_, MatmulPreferenceSetAttribute(wishes, name, &value, sizeof(value)));
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kMostScratch);
  // Partial sums meet in f32, never in bf16.
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  for (const auto name : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    set(name, static_cast<std::uint32_t>(shape_.alignment));
  }
  std::array<cublasLtMatmulHeuristicResult_t, kMostCandidates> found{};
  int count = 0;
  GYRUS_CUBLAS(*blas_, MatmulAlgoGetHeuristic(blas_->handle(), description_, right_, left_, result_, result_, wishes,
                                              kMostCandidates, found.data(), &count));
  for (int i = 0; i < count; ++i) {
    if (found[static_cast<std::size_t>(i)].state == CUBLAS_STATUS_SUCCESS) {
      candidates_.push_back(found[static_cast<std::size_t>(i)]);
    }
  }
  GYRUS_CHECK(!candidates_.empty(), Code::internal, "cuBLASLt ", blas_version(), " has no kernel for a product of [",
              shape_.rows, ", ", shape_.inner, "] and [", shape_.inner, ", ", shape_.columns, "] in ",
              name_of(shape_.factors), "; please report it");
}

void Product::set_bias(const void* bias) {
  if (!shape_.has_bias) return;
  GYRUS_CUBLAS(*blas_, MatmulDescSetAttribute(description_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof(bias)));
}

cublasStatus_t Product::start(const cublasLtMatmulAlgo_t& algorithm, const void* left, const void* right, void* result,
                              void* scratch) const {
  constexpr float kOne = 1;
  const float before = shape_.adds ? 1 : 0;
  return blas_->functions().Matmul(blas_->handle(), description_, &kOne, right, right_, left, left_, &before, result,
                                   result_, result, result_, &algorithm, scratch,
                                   static_cast<std::size_t>(scratch_bytes_), blas_->queue().stream());
}

void Product::run(const void* left, const void* right, const void* bias, void* result, void* scratch) {
  set_bias(bias);
  blas_->check(start(candidates_[choice_].algo, left, right, result, scratch), "cublasLtMatmul");
}

void Product::tune(const void* left, const void* right, const void* bias, void* result, void* scratch) {
  const std::string name = key();
  if (const auto known = blas_->cache().find(name); known && static_cast<std::size_t>(*known) < candidates_.size()) {
    choice_ = static_cast<std::size_t>(*known);
    return;
  }
  if (!blas_->cache().is_tuning() || candidates_.size() < 2) return;
  set_bias(bias);
  double best = std::numeric_limits<double>::infinity();
  bool has_choice = false;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const cublasLtMatmulAlgo_t& algorithm = candidates_[i].algo;
    // A candidate may refuse what its heuristic thought possible.
    if (start(algorithm, left, right, result, scratch) != CUBLAS_STATUS_SUCCESS) continue;
    const double seconds = blas_->queue().seconds([&] {
      for (int repeat = 0; repeat < kRepeats; ++repeat) (void)start(algorithm, left, right, result, scratch);
    });
    if (seconds >= best) continue;
    best = seconds;
    choice_ = i;
    has_choice = true;
  }
  // Where all refused, run() says so; a choice that was never seen to work is nothing to remember.
  if (has_choice) blas_->cache().keep(name, static_cast<int>(choice_));
}

std::string Product::key() const {
  const auto& s = shape_;
  return text("product ", name_of(s.factors), ' ', name_of(s.result), " rows", s.rows, " columns", s.columns, " inner",
              s.inner, s.is_left_transposed ? " left^T" : "", s.is_right_transposed ? " right^T" : "",
              s.has_bias ? " bias" : "", s.adds ? " adds" : "",
              s.alignment != ProductShape{}.alignment ? text(" aligned", s.alignment) : "");
}

}  // namespace gyrus::backend::cuda
