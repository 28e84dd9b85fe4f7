// The CUDA backend: cuDNN for convolutions and attention, cuBLASLt for products, own kernels for what memory bounds.
#include <cstdlib>

#include "backend/cuda/attention_choices.h"
#include "backend/cuda/blas/blas.h"
#include "backend/cuda/cuda_check.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/judge_device.h"
#include "backend/cuda/kernel_table.h"
#include "backend/cuda/node_context.h"
#include "backend/cuda_libraries.h"
#include "backend/lowering.h"

namespace gyrus::backend {
namespace cuda {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

void require(const std::string& problem) { GYRUS_CHECK(problem.empty(), Code::cuda_unavailable, problem); }

// The GPU, or why there is none.
cudaDeviceProp open_device() {
  const LibrarySearch& driver = find_cuda_library(CudaLibrary::driver);
  GYRUS_CHECK(
      !driver.path.empty(), Code::cuda_unavailable,
      "there is no NVIDIA driver: install one for CUDA 13 (580 or later)\ncaused by: ", describe_missing(driver));
  int driver_version = 0, count = 0;
  (void)cudaDriverGetVersion(&driver_version);
  require(judge_driver(driver.path, driver_version));
  std::string problem;
  try {
    GYRUS_CUDA(cudaGetDeviceCount(&count));
  } catch (const Error& error) {
    problem = error.message();
  }
  require(judge_count(count, problem));
  cudaDeviceProp properties{};
  GYRUS_CUDA(cudaGetDeviceProperties(&properties, 0));
  require(judge_capability(properties.name, properties.major, properties.minor));
  return properties;
}

class CudaBackend final : public Backend {
 public:
  CudaBackend() : properties_(open_device()) {
    auto context = std::make_shared<CudaContext>();
    context->queue = std::make_shared<CudaQueue>();
    // Versions are part of what a choice of kernels depends on.
    const std::string dnn = dnn_version();
    const auto cache = std::make_shared<PlanCache>(text(properties_.name, " cudnn ", dnn, " cublas ", blas_version()));
    context->blas = std::make_shared<Blas>(context->queue, cache);
    context->dnn = std::make_shared<Dnn>(context->queue, cache);
    context->attention = std::make_shared<AttentionChoices>(context->queue, cache);
    cuda_ = std::move(context);
  }

  Capabilities describe() const override {
    Capabilities can{"cuda", true, DType::f32, 1};
    can.detail = text(properties_.name, ", compute capability ", properties_.major, ".", properties_.minor, ", ",
                      static_cast<double>(properties_.totalGlobalMem) / kGiB, " GiB; cuDNN ", dnn_version(),
                      ", cuBLASLt ", blas_version());
    if (const std::string notice = cuda_->dnn->cache().notice(); !notice.empty()) can.detail += "; " + notice;
    return can;
  }

  std::shared_ptr<DeviceQueue> queue() const override { return cuda_->queue; }

  LoweredGraph lower(const graph::Graph& graph) const override {
    return lower_nodes(graph, [&](const graph::Node& node) { return kernel_maker(node.kind)({{graph, node}, cuda_}); });
  }

 private:
  cudaDeviceProp properties_;
  std::shared_ptr<const CudaContext> cuda_;
};

}  // namespace
}  // namespace cuda

bool is_cuda_compiled() noexcept { return true; }

std::unique_ptr<Backend> make_cuda_backend() {
  try {
    return std::make_unique<cuda::CudaBackend>();
  } catch (const Error& error) {
    if (error.code() != Code::cuda_unavailable) throw;
    throw Error(error.code(),
                "CUDA cannot be used on this machine; use device: 'cpu' or 'auto', or see `gyrus doctor`"
                "\ncaused by: " +
                    error.message());
  }
}

}  // namespace gyrus::backend
