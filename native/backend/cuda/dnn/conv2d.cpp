// Convolutions through cuDNN, channels last. Weights are read as [Co, KH, KW, Ci] in the compute dtype, packed from the
// masters by a step of their own; their gradient comes in that order too and is turned into the masters'.
//
// What cuDNN has no engine for (f32 without TF32 in some shapes, images of one or three channels) is a matrix product
// over windows laid out as columns: blas/conv2d_columns.h. Which of the two it is, is decided here, when a Program is
// compiled.
#include "backend/cuda/dnn/conv2d.h"

#include <array>
#include <utility>

#include "backend/cuda/blas/conv2d_columns.h"
#include "backend/cuda/dnn/conv2d_statistics.h"
#include "backend/cuda/kernels/bias.h"
#include "backend/cuda/kernels/pack_weights.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"
#include "backend/cuda/packing.h"

namespace gyrus::backend::cuda {
namespace {

using Direction = ConvShape::Direction;

std::int64_t aligned(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

// The plan, and around it what cuDNN does not do: the bias behind a forward convolution, the order of a weight
// gradient.
class Convolution final : public Kernel {
 public:
  Convolution(const NodeContext& node, const ConvShape& shape, std::shared_ptr<DnnPlan> plan)
      : cuda_(node.cuda), shape_(shape), plan_(std::move(plan)) {
    has_bias_ = shape.direction == Direction::forward && node.input_count() > 2;
    if (shape.direction == Direction::grad_weight) {
      packed_bytes_ = aligned(shape.co * shape.ci * shape.kh * shape.kw * size_of(shape.result));
    }
  }

  std::int64_t scratch_bytes() const override { return packed_bytes_ + plan_->scratch_bytes(); }

  void bind(const KernelArgs& args) override {
    scratch_ = static_cast<std::byte*>(args.scratch) + packed_bytes_;
    operands_ = {args.in[0], args.in[1], packed_bytes_ > 0 ? args.scratch : args.out[0]};
    if (packed_bytes_ > 0) {
      unpack_.packed = args.scratch;
      unpack_.masters = floats(args.out[0]);
      unpack_.dtype = shape_.result;
      unpack_.out_channels = shape_.co;
      unpack_.in_channels = shape_.ci;
      unpack_.window = shape_.kh * shape_.kw;
    }
    if (has_bias_) {
      bias_.y = args.out[0];
      bias_.bias = floats(static_cast<const void*>(args.in[2]));
      bias_.dtype = shape_.dtype;
      bias_.rows = shape_.n * shape_.oh * shape_.ow;
      bias_.channels = shape_.co;
    }
    plan_->tune(operands_, scratch_);
  }

  void run() override {
    plan_->run(operands_, scratch_);
    if (packed_bytes_ > 0) unpack_weights(cuda_->queue->stream(), unpack_);
    if (has_bias_) bias_forward(cuda_->queue->stream(), bias_);
  }

 private:
  std::shared_ptr<const CudaContext> cuda_;
  ConvShape shape_;
  std::shared_ptr<DnnPlan> plan_;
  bool has_bias_ = false;
  std::int64_t packed_bytes_ = 0;  // of a weight gradient in cuDNN's order, at the start of the scratch memory
  std::array<void*, 3> operands_{};
  void* scratch_ = nullptr;
  UnpackWeightsArgs unpack_;
  BiasArgs bias_;
};

DnnChoice find_plan(const NodeContext& node, ConvShape& shape) {
  DnnChoice found = node.cuda->dnn->convolution(shape);
  if (shape.direction != Direction::grad_weight || shape.result == DType::f32) return found;
  // f32 sums are kept where cuDNN gives them; its bf16 ones are what PyTorch uses.
  ConvShape wide = shape;
  wide.result = DType::f32;
  if (DnnChoice kept = node.cuda->dnn->convolution(wide); kept.plan) {
    shape = wide;
    return kept;
  }
  return found;
}

LoweredKernel lower_to_columns(const NodeContext& node, const ConvShape& shape, std::string why, bool is_refused) {
  LoweredKernel lowered = make_conv2d_columns(node, shape);
  lowered.way = {"columns", std::move(why), is_refused};
  return lowered;
}

LoweredKernel lower(const NodeContext& node, ConvShape shape) {
  if (std::string why = reason_for_columns(shape); !why.empty()) {
    return lower_to_columns(node, shape, std::move(why), false);
  }
  std::string refusal;
  if (auto summing = make_summing_convolution(node, refusal)) {
    summing->packs.push_back(request_channels_last(node, 1, shape.dtype));
    return std::move(*summing);
  }
  DnnChoice found = find_plan(node, shape);
  if (!found.plan) return lower_to_columns(node, shape, std::move(found.refusal), true);
  LoweredKernel lowered{std::make_unique<Convolution>(node, shape, std::move(found.plan)), {}};
  lowered.way = {"cudnn", refusal.empty() ? "" : "without sums: " + refusal, !refusal.empty()};
  if (shape.direction != Direction::grad_weight) lowered.packs.push_back(request_channels_last(node, 1, shape.dtype));
  return lowered;
}

}  // namespace

ConvShape conv_shape(const NodeContext& node, Direction direction, const Shape& x, const Shape& y) {
  const auto& attrs = node.attrs<graph::Conv2dAttrs>();
  ConvShape shape;
  shape.direction = direction;
  shape.n = x[0];
  shape.h = x[1];
  shape.w = x[2];
  shape.ci = x[3];
  shape.oh = y[1];
  shape.ow = y[2];
  shape.co = y[3];
  shape.kh = attrs.kernel_height;
  shape.kw = attrs.kernel_width;
  shape.stride = attrs.stride;
  shape.padding = attrs.padding;
  shape.dtype = shape.result = node.in_type(0).dtype;
  return shape;
}

std::string reason_for_columns(const ConvShape& shape) {
  if (shape.ci < 8) return text(shape.ci, " channels, which cuDNN pads to 8 in time and in memory");
  if (shape.kh == shape.stride && shape.kh > 1) return "windows that do not overlap: a plain product of what it reads";
  return "";
}

LoweredKernel make_conv2d(const NodeContext& node) {
  if (is_left_to_batch_norm(node)) {
    LoweredKernel left;
    left.is_left_to_reader = true;
    return left;
  }
  return lower(node, conv_shape(node, Direction::forward, node.in_shape(0), node.out_shape(0)));
}

LoweredKernel make_conv2d_grad_input(const NodeContext& node) {
  return lower(node, conv_shape(node, Direction::grad_input, node.out_shape(0), node.in_shape(0)));
}

LoweredKernel make_conv2d_grad_weight(const NodeContext& node) {
  return lower(node, conv_shape(node, Direction::grad_weight, node.in_shape(0), node.in_shape(1)));
}

}  // namespace gyrus::backend::cuda
