// cuDNN's handle, and the plans that were prepared for each shape. cuDNN is opened at run time; its headers are
// included only in this folder, its C++ frontend only in plans.cpp, which is slow to compile.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "backend/cuda/cuda_queue.h"
#include "backend/cuda/plan_cache.h"
#include "core/dtype.h"

struct cudnnContext;

namespace gyrus::backend::cuda {

// A convolution between x [N, H, W, Ci] and y [N, OH, OW, Co] with weights [Co, KH, KW, Ci], all of one type; the
// gradient of the weights may be f32 beside bf16. What may follow a forward convolution before its result is rounded
// and stored: y = relu(conv(x) + residual + bias), all of `dtype`; or the sums of each channel's values and of their
// squares.
struct ConvShape {
  enum class Direction : std::uint8_t { forward, grad_input, grad_weight };
  Direction direction = Direction::forward;
  std::int64_t n = 0, h = 0, w = 0, ci = 0, oh = 0, ow = 0, co = 0, kh = 0, kw = 0, stride = 1, padding = 0;
  DType dtype = DType::f32, result = DType::f32;
  bool has_bias = false, has_residual = false, has_relu = false, has_statistics = false;
  auto operator<=>(const ConvShape&) const = default;  // NOLINT(modernize-use-nullptr): it reads a 0 into it
};

// y [rows, columns] = gelu(pre), pre = x [rows, inner] w [columns, inner]^T + bias, in bf16; GELU by the error
// function.
struct GeluShape {
  std::int64_t rows = 0, columns = 0, inner = 0;
  auto operator<=>(const GeluShape&) const = default;  // NOLINT(modernize-use-nullptr): it reads a 0 into it
};

// Attention over packed qkv [N, T, 3 heads head_dim].
struct AttentionShape {
  bool is_gradient = false;
  std::int64_t images = 0, tokens = 0, heads = 0, head_dim = 0;
  auto operator<=>(const AttentionShape&) const = default;  // NOLINT(modernize-use-nullptr): it reads a 0 into it
};

// A prepared graph of cuDNN's, which any number of kernels may run with pointers of their own. What the operands are is
// said where the plan is made; all are 16-byte aligned.
class DnnPlan {
 public:
  virtual ~DnnPlan() = default;
  virtual std::int64_t scratch_bytes() const = 0;
  // Enqueues.
  virtual void run(std::span<void* const> operands, void* scratch) = 0;
  // Tries the candidates on these operands, whose contents do not matter, and keeps the fastest. Waits. Once a plan.
  virtual void tune(std::span<void* const> operands, void* scratch) = 0;
};

// A plan, or why cuDNN has none.
struct DnnChoice {
  std::shared_ptr<DnnPlan> plan;
  std::string refusal;
};

// A GPU that is described and not there: cuDNN says what it would have for it, and runs nothing.
struct DescribedGpu {
  std::string json;    // as cuDNN writes it of a GPU (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION)
  int capability = 0;  // 90 is 9.0
};

class Dnn {
 public:
  // Throws Code::cuda_unavailable where cuDNN 9 is not found or too old, with the places searched.
  Dnn(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache);
  // Its plans have no queue, cannot run, and are not tuned.
  Dnn(DescribedGpu gpu, std::shared_ptr<PlanCache> cache);
  virtual ~Dnn();
  Dnn(const Dnn&) = delete;
  Dnn& operator=(const Dnn&) = delete;

  cudnnContext* handle() const { return handle_; }
  CudaQueue& queue() const { return *queue_; }
  PlanCache& cache() const { return *cache_; }
  const std::optional<DescribedGpu>& described() const { return described_; }

  // No plan where cuDNN has no engine for the shape on this GPU. Operands:
  //   forward: x, w, residual?, bias?, y, (sums, squares [Co] f32)?;  grad_input: dy, w, dx;  grad_weight: x, dy, dw
  const DnnChoice& convolution(const ConvShape& shape);
  //   forward: q, k, v, y, stats [N, heads, T] f32;  gradient: q, k, v, y, dy, stats, dq, dk, dv
  // q, k, v lie in qkv [N, T, 3, heads, head_dim], their gradients likewise; y and dy are [N, T, heads, head_dim];
  // bf16.
  virtual const DnnChoice& attention(const AttentionShape& shape);
  //   x, w, bias, pre, y
  const DnnChoice& gelu(const GeluShape& shape);

 private:
  std::shared_ptr<CudaQueue> queue_;
  std::shared_ptr<PlanCache> cache_;
  cudnnContext* handle_ = nullptr;
  std::map<ConvShape, DnnChoice> convolutions_;
  std::map<AttentionShape, DnnChoice> attentions_;
  std::map<GeluShape, DnnChoice> gelus_;
  std::optional<DescribedGpu> described_;
};

// What a plan is remembered by.
std::string key_of(const ConvShape& shape);
std::string key_of(const GeluShape& shape);

// "9.20.0", or "" where cuDNN is not found.
std::string dnn_version();

// plans.cpp.
DnnChoice make_convolution_plan(Dnn& dnn, const ConvShape& shape);
DnnChoice make_attention_plan(Dnn& dnn, const AttentionShape& shape);
DnnChoice make_gelu_plan(Dnn& dnn, const GeluShape& shape);

}  // namespace gyrus::backend::cuda
