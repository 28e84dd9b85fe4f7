#include <cublasLt.h>
// NVIDIA's header must not see the emulator's macros, and the emulator must come before what it renames.
#include "tests/cuda/emulator.h"
// This order.
#include "tests/cuda_build/host_blas.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

namespace gyrus::tests {
namespace {

struct Layout {
  DType dtype;
  std::int64_t rows, columns, leading;
};

struct Description {
  cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};

struct Preference {
  std::uint32_t alignment = 256;  // the least that was promised of any operand
  std::uint64_t scratch_bytes = 0;
};

struct State {
  std::vector<HostAlgorithm> algorithms{{.scratch_bytes = 48}};
  std::size_t last = 0;
};

State& state() {
  static State all;
  return all;
}

// Handles of the library are opaque structs; ours are behind them.
template <class T, class Handle>
T& behind(Handle handle) {
  return *reinterpret_cast<T*>(handle);
}
template <class T, class Handle, class... Parts>
cublasStatus_t make(Handle* handle, Parts... parts) {
  *handle = reinterpret_cast<Handle>(std::make_unique<T>(T{parts...}).release());
  return CUBLAS_STATUS_SUCCESS;
}
template <class T, class Handle>
cublasStatus_t destroy(Handle handle) {
  const std::unique_ptr<T> owner(&behind<T>(handle));
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t take(T& attribute, const void* value, std::size_t size) {
  if (value == nullptr || size != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&attribute, value, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t describe(cublasLtMatmulDesc_t handle, cublasLtMatmulDescAttributes_t name, const void* value,
                        std::size_t size) {
  auto& description = behind<Description>(handle);
  if (name == CUBLASLT_MATMUL_DESC_TRANSA) return take(description.a, value, size);
  if (name == CUBLASLT_MATMUL_DESC_TRANSB) return take(description.b, value, size);
  if (name == CUBLASLT_MATMUL_DESC_EPILOGUE) return take(description.epilogue, value, size);
  if (name == CUBLASLT_MATMUL_DESC_BIAS_POINTER) return take(description.bias, value, size);
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t wish(cublasLtMatmulPreference_t handle, cublasLtMatmulPreferenceAttributes_t name, const void* value,
                    std::size_t size) {
  auto& preference = behind<Preference>(handle);
  std::uint32_t number = 0;
  if (name == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return take(preference.scratch_bytes, value, size);
  if (name == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) return take(number, value, size);
  if (name != CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES && name != CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES &&
      name != CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES && name != CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const cublasStatus_t status = take(number, value, size);
  if (status != CUBLAS_STATUS_SUCCESS || !std::has_single_bit(number)) return CUBLAS_STATUS_INVALID_VALUE;
  preference.alignment = std::min(preference.alignment, number);
  return CUBLAS_STATUS_SUCCESS;
}

// op(A) [m, k], op(B) [k, n], D [m, n].
struct Extents {
  std::int64_t m = 0, n = 0, k = 0;
};

bool find_extents(const Description& d, const Layout& a, const Layout& b, const Layout& c, const Layout& out,
                  Extents& extents) {
  const auto turned = [](const Layout& layout, cublasOperation_t operation) {
    return operation == CUBLAS_OP_T ? std::pair{layout.columns, layout.rows} : std::pair{layout.rows, layout.columns};
  };
  const auto [a_rows, a_columns] = turned(a, d.a);
  const auto [b_rows, b_columns] = turned(b, d.b);
  extents = {a_rows, b_columns, a_columns};
  const auto is_result = [&](const Layout& layout) { return layout.rows == extents.m && layout.columns == extents.n; };
  const bool are_dense_enough =
      a.leading >= a.rows && b.leading >= b.rows && c.leading >= c.rows && out.leading >= out.rows;
  return a_columns == b_rows && is_result(c) && is_result(out) && are_dense_enough && a.dtype == b.dtype &&
         c.dtype == out.dtype;
}

double element(const void* data, const Layout& layout, std::int64_t row, std::int64_t column) {
  const std::int64_t at = column * layout.leading + row;
  return layout.dtype == DType::f32 ? static_cast<double>(static_cast<const float*>(data)[at])
                                    : static_cast<double>(to_float(static_cast<const bf16_t*>(data)[at]));
}

void set_element(void* data, const Layout& layout, std::int64_t row, std::int64_t column, double value) {
  const std::int64_t at = column * layout.leading + row;
  if (layout.dtype == DType::f32) {
    static_cast<float*>(data)[at] = static_cast<float>(value);
  } else {
    static_cast<bf16_t*>(data)[at] = to_bf16(static_cast<float>(value));
  }
}

// What an algorithm carries: its place in the list, and the alignment that it was promised.
struct Carried {
  std::uint64_t index = 0, alignment = 1;
};

cublasStatus_t list_algorithms(cublasLtHandle_t, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                               cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                               cublasLtMatmulPreference_t wishes, int wanted, cublasLtMatmulHeuristicResult_t* results,
                               int* count) {
  Extents extents;
  *count = 0;
  if (!find_extents(behind<Description>(description), behind<Layout>(a), behind<Layout>(b), behind<Layout>(c),
                    behind<Layout>(d), extents)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto& preference = behind<Preference>(wishes);
  for (std::size_t i = 0; i < state().algorithms.size() && *count < wanted; ++i) {
    const HostAlgorithm& algorithm = state().algorithms[i];
    if (algorithm.scratch_bytes > preference.scratch_bytes) continue;
    cublasLtMatmulHeuristicResult_t& result = results[(*count)++];
    result = {};
    const Carried carried{i, preference.alignment};
    std::memcpy(result.algo.data, &carried, sizeof carried);
    result.workspaceSize = algorithm.scratch_bytes;
    result.state = algorithm.is_listed_as_possible ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
  }
  return *count > 0 ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t multiply(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void* alpha, const void* a_data,
                        cublasLtMatrixLayout_t a_layout, const void* b_data, cublasLtMatrixLayout_t b_layout,
                        const void* beta, const void* c_data, cublasLtMatrixLayout_t c_layout, void* d_data,
                        cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void* scratch,
                        std::size_t scratch_bytes, cudaStream_t) {
  const auto& described = behind<Description>(description);
  const auto &a = behind<Layout>(a_layout), &b = behind<Layout>(b_layout), &c = behind<Layout>(c_layout),
             &d = behind<Layout>(d_layout);
  Extents extents;
  if (!find_extents(described, a, b, c, d, extents)) return CUBLAS_STATUS_INVALID_VALUE;
  Carried carried;
  std::memcpy(&carried, algorithm->data, sizeof carried);
  const HostAlgorithm& chosen = state().algorithms.at(carried.index);
  if (!chosen.works || !chosen.is_listed_as_possible) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (const void* operand : {a_data, b_data, c_data, static_cast<const void*>(d_data)}) {
    if (reinterpret_cast<std::uintptr_t>(operand) % carried.alignment != 0) return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (scratch_bytes < chosen.scratch_bytes) return CUBLAS_STATUS_INVALID_VALUE;
  std::fill_n(static_cast<std::byte*>(scratch), chosen.scratch_bytes, std::byte{0xff});
  const bool has_bias = described.epilogue == CUBLASLT_EPILOGUE_BIAS;
  if (!has_bias && described.epilogue != CUBLASLT_EPILOGUE_DEFAULT) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (has_bias && described.bias == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const Layout bias{d.dtype, d.rows, 1, d.rows};
  const double scale = *static_cast<const float*>(alpha), kept = *static_cast<const float*>(beta);
  for (std::int64_t column = 0; column < extents.n; ++column) {
    for (std::int64_t row = 0; row < extents.m; ++row) {
      double sum = 0;
      for (std::int64_t i = 0; i < extents.k; ++i) {
        sum += (described.a == CUBLAS_OP_T ? element(a_data, a, i, row) : element(a_data, a, row, i)) *
               (described.b == CUBLAS_OP_T ? element(b_data, b, column, i) : element(b_data, b, i, column));
      }
      // Where beta is 0 nothing is read of C, which may hold NaN.
      if (kept != 0)
        sum = scale * sum + kept * element(c_data, c, row, column);
      else
        sum *= scale;
      if (has_bias) sum += element(described.bias, bias, row, 0);
      set_element(d_data, d, row, column, sum);
    }
  }
  state().last = carried.index;
  return CUBLAS_STATUS_SUCCESS;
}

DType dtype_of(cudaDataType_t type) { return type == CUDA_R_32F ? DType::f32 : DType::bf16; }

}  // namespace

backend::emulated_cuda::BlasFunctions host_blas_functions() {
  backend::emulated_cuda::BlasFunctions all;
  all.Create = [](cublasLtHandle_t* handle) { return make<int>(handle, 0); };
  all.Destroy = [](cublasLtHandle_t handle) { return destroy<int>(handle); };
  all.GetVersion = [] { return std::size_t{130101}; };
  all.GetStatusString = [](cublasStatus_t) { return "a status of the host's cuBLASLt"; };
  all.MatmulDescCreate = [](cublasLtMatmulDesc_t* handle, cublasComputeType_t compute, cudaDataType_t scale) {
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    return make<Description>(handle);
  };
  all.MatmulDescDestroy = [](cublasLtMatmulDesc_t handle) { return destroy<Description>(handle); };
  all.MatmulDescSetAttribute = describe;
  all.MatrixLayoutCreate = [](cublasLtMatrixLayout_t* handle, cudaDataType type, std::uint64_t rows,
                              std::uint64_t columns, std::int64_t leading) {
    if (type != CUDA_R_32F && type != CUDA_R_16BF) return CUBLAS_STATUS_NOT_SUPPORTED;
    return make<Layout>(handle, dtype_of(type), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
                        leading);
  };
  all.MatrixLayoutDestroy = [](cublasLtMatrixLayout_t handle) { return destroy<Layout>(handle); };
  all.MatmulPreferenceCreate = [](cublasLtMatmulPreference_t* handle) { return make<Preference>(handle); };
  all.MatmulPreferenceDestroy = [](cublasLtMatmulPreference_t handle) { return destroy<Preference>(handle); };
  all.MatmulPreferenceSetAttribute = wish;
  all.MatmulAlgoGetHeuristic = list_algorithms;
  all.Matmul = multiply;
  return all;
}

void set_host_algorithms(std::vector<HostAlgorithm> algorithms) { state().algorithms = std::move(algorithms); }
std::size_t last_host_algorithm() { return state().last; }

}  // namespace gyrus::tests
