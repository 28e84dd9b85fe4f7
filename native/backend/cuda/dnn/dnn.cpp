#include "backend/cuda/dnn/dnn.h"

#include <cudnn.h>

#include <utility>

#include "backend/cuda/dnn/check.h"
#include "backend/cuda_libraries.h"

namespace gyrus::backend::cuda {
namespace {

const char* name_of(ConvShape::Direction direction) {
  switch (direction) {
    case ConvShape::Direction::forward:
      return "conv2d";
    case ConvShape::Direction::grad_input:
      return "conv2d_grad_input";
    case ConvShape::Direction::grad_weight:
      return "conv2d_grad_weight";
  }
  return "";
}

void check_library() {
  const LibrarySearch& search = find_cuda_library(CudaLibrary::cudnn);
  GYRUS_CHECK(!search.path.empty(), Code::cuda_unavailable,
              "there is no cuDNN 9 for CUDA 13: install it (its pip wheel is nvidia-cudnn-cu13), or name its folder in "
              "GYRUS_CUDA_LIBRARIES\ncaused by: ",
              describe_missing(search));
}

}  // namespace

std::string key_of(const ConvShape& s) {
  return text(name_of(s.direction), ' ', name_of(s.dtype), ' ', name_of(s.result), " n", s.n, " h", s.h, " w", s.w,
              " ci", s.ci, " co", s.co, " k", s.kh, 'x', s.kw, " s", s.stride, " p", s.padding,
              s.has_residual ? " residual" : "", s.has_bias ? " bias" : "", s.has_relu ? " relu" : "",
              s.has_statistics ? " statistics" : "");
}

std::string key_of(const GeluShape& s) {
  return text("linear gelu bf16 rows", s.rows, " columns", s.columns, " inner", s.inner);
}

std::string dnn_version() {
  if (find_cuda_library(CudaLibrary::cudnn).path.empty()) return "";
  const std::size_t version = cudnnGetVersion();
  return text(version / 10000, ".", version / 100 % 100, ".", version % 100);
}

void check_dnn(int status, const char* expression) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const auto code = static_cast<cudnnStatus_t>(status);
  throw Error(code == CUDNN_STATUS_ALLOC_FAILED ? Code::out_of_memory : Code::internal,
              text("cuDNN: ", cudnnGetErrorString(code), " from ", expression));
}

Dnn::Dnn(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache)
    : queue_(std::move(queue)), cache_(std::move(cache)) {
  check_library();
  // Whatever the reason: a machine on which it cannot start has no GPU that gyrus can use.
  const cudnnStatus_t status = cudnnCreate(&handle_);
  GYRUS_CHECK(status == CUDNN_STATUS_SUCCESS, Code::cuda_unavailable, find_cuda_library(CudaLibrary::cudnn).path,
              ", cuDNN ", dnn_version(), ", does not start (", cudnnGetErrorString(status),
              "); check that all its libraries are of one version, and the GPU's free memory");
  GYRUS_CUDNN(cudnnSetStream(handle_, queue_->stream()));
}

Dnn::Dnn(DescribedGpu gpu, std::shared_ptr<PlanCache> cache) : cache_(std::move(cache)), described_(std::move(gpu)) {
  check_library();
}

Dnn::~Dnn() {
  convolutions_.clear();
  attentions_.clear();
  gelus_.clear();
  if (handle_ != nullptr) (void)cudnnDestroy(handle_);
}

const DnnChoice& Dnn::convolution(const ConvShape& shape) {
  const auto [at, is_new] = convolutions_.try_emplace(shape);
  if (is_new) at->second = make_convolution_plan(*this, shape);
  return at->second;
}

const DnnChoice& Dnn::attention(const AttentionShape& shape) {
  const auto [at, is_new] = attentions_.try_emplace(shape);
  if (is_new) at->second = make_attention_plan(*this, shape);
  return at->second;
}

const DnnChoice& Dnn::gelu(const GeluShape& shape) {
  const auto [at, is_new] = gelus_.try_emplace(shape);
  if (is_new) at->second = make_gelu_plan(*this, shape);
  return at->second;
}

}  // namespace gyrus::backend::cuda
