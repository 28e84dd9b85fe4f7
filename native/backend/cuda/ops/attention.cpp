// Attention: cuDNN's fused kernels in bf16, which keep no table of probabilities but each row's logarithm of the
// softmax's sum, and read y again in the gradient; our own kernels elsewhere.
#include <array>
#include <cmath>
#include <utility>

#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/kernels/attention.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

// `y`: [N, T, D].
AttentionShape attention_shape(const NodeContext& node, const Shape& y, bool is_gradient) {
  const int heads = node.attrs<graph::AttentionAttrs>().heads;
  return {is_gradient, y[0], y[1], heads, y[2] / heads};
}

struct Plans {
  std::shared_ptr<DnnPlan> forward, gradient;
  Way way;
};

// Both or none: the gradient must read what the forward kernel keeps.
Plans find_plans(const NodeContext& node, AttentionShape shape, DType dtype) {
  if (dtype != DType::bf16) return {nullptr, nullptr, {"own", "cuDNN's fused kernels do not compute f32"}};
  if (shape.head_dim % 8 != 0) {
    return {nullptr, nullptr, {"own", text("heads of width ", shape.head_dim, ", which 8 does not divide")}};
  }
  Plans plans{nullptr, nullptr, {"own", "", true}};
  for (const bool is_gradient : {false, true}) {
    shape.is_gradient = is_gradient;
    const DnnChoice& choice = node.cuda->dnn->attention(shape);
    if (!choice.plan) {
      plans.way.why = (is_gradient ? "the gradient: " : "") + choice.refusal;
      return plans;
    }
    (is_gradient ? plans.gradient : plans.forward) = choice.plan;
  }
  plans.way = {"cudnn"};
  return plans;
}

bool is_cudnn(const Plans& plans) { return plans.forward && plans.gradient; }

// Q, K and V of packed [N, T, 3D] bf16.
void* part(void* qkv, int index, const AttentionShape& shape) {
  return static_cast<std::byte*>(qkv) + index * shape.heads * shape.head_dim * size_of(DType::bf16);
}

class DnnAttention final : public Kernel {
 public:
  DnnAttention(const AttentionShape& shape, std::shared_ptr<DnnPlan> plan) : shape_(shape), plan_(std::move(plan)) {}

  std::int64_t scratch_bytes() const override { return plan_->scratch_bytes(); }
  void bind(const KernelArgs& args) override {
    if (shape_.is_gradient) {  // in: dy, qkv, stats, y; out: dqkv
      void *const qkv = args.in[1], *const dqkv = args.out[0];
      operands_ = {part(qkv, 0, shape_), part(qkv, 1, shape_),  part(qkv, 2, shape_),  args.in[3],           args.in[0],
                   args.in[2],           part(dqkv, 0, shape_), part(dqkv, 1, shape_), part(dqkv, 2, shape_)};
      count_ = 9;
    } else {  // in: qkv; out: y, stats
      void* const qkv = args.in[0];
      operands_ = {part(qkv, 0, shape_), part(qkv, 1, shape_), part(qkv, 2, shape_), args.out[0], args.out[1]};
      count_ = 5;
    }
    scratch_ = args.scratch;
    plan_->tune({operands_.data(), count_}, scratch_);
  }
  void run() override { plan_->run({operands_.data(), count_}, scratch_); }

 private:
  AttentionShape shape_;
  std::shared_ptr<DnnPlan> plan_;
  std::array<void*, 9> operands_{};
  std::size_t count_ = 0;
  void* scratch_ = nullptr;
};

template <class Args>
Args own_args(const AttentionShape& shape, DType dtype) {
  GYRUS_CHECK(shape.head_dim <= kMostHeadDim, Code::invalid_argument, "attention heads of width ", shape.head_dim,
              " in ", name_of(dtype), " are more than the GPU's kernels take: ", kMostHeadDim,
              "; use more heads, or device: 'cpu'");
  Args args;
  args.dtype = dtype;
  args.images = shape.images;
  args.tokens = shape.tokens;
  args.heads = shape.heads;
  args.head_dim = shape.head_dim;
  return args;
}

}  // namespace

LoweredKernel make_attention(const NodeContext& node) {
  const AttentionShape shape = attention_shape(node, node.out_shape(0), false);
  const DType dtype = node.in_type(0).dtype;
  const Plans plans = find_plans(node, shape, dtype);
  LoweredKernel lowered;
  lowered.way = plans.way;
  if (is_cudnn(plans)) {
    lowered.kernel = std::make_unique<DnnAttention>(shape, plans.forward);
    lowered.other_forms.push_back({1, shape.images * shape.heads * shape.tokens * size_of(DType::f32)});
    return lowered;
  }
  lowered.kernel =
      launch(node, own_args<AttentionArgs>(shape, dtype), attention_forward, [](AttentionArgs& a, const KernelArgs& k) {
        a.qkv = k.in[0];
        a.y = k.out[0];
        a.probabilities = k.out[1];
      });
  return lowered;
}

LoweredKernel make_attention_grad(const NodeContext& node) {
  const AttentionShape shape = attention_shape(node, node.in_shape(0), true);
  const DType dtype = node.in_type(0).dtype;
  const Plans plans = find_plans(node, shape, dtype);
  LoweredKernel lowered;
  lowered.way = plans.way;
  if (is_cudnn(plans)) {
    lowered.kernel = std::make_unique<DnnAttention>(shape, plans.gradient);
    lowered.extra_reads.push_back(node.graph.output(node.in(2).producer, 0));  // y
    return lowered;
  }
  const auto args = own_args<AttentionBackwardArgs>(shape, dtype);
  const auto place = [](AttentionBackwardArgs& a, const KernelArgs& k) {
    a.dy = k.in[0];
    a.qkv = k.in[1];
    a.probabilities = k.in[2];
    a.dqkv = k.out[0];
    a.scratch = k.scratch;
  };
  lowered.kernel = launch(node, args, attention_backward, place, attention_backward_scratch_bytes(args));
  return lowered;
}

}  // namespace gyrus::backend::cuda
