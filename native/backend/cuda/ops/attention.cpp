// Attention. In bf16 cuDNN's fused kernels or our own on tensor cores, whichever were the faster: both keep no table of
// probabilities but each row's logarithm of the softmax's sum, and read y again in the gradient. Elsewhere our own
// kernels in f32 arithmetic, which keep the table.
#include <algorithm>
#include <array>
#include <utility>

#include "backend/cuda/attention_choices.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/kernels/attention.h"
#include "backend/cuda/kernels/attention_tiles.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

// `y`: [N, T, D].
AttentionShape attention_shape(const NodeContext& node, const Shape& y, bool is_gradient) {
  const int heads = node.attrs<graph::AttentionAttrs>().heads;
  return {is_gradient, y[0], y[1], heads, y[2] / heads};
}

// Who computes an attention and its gradient: the gradient must read what forward keeps.
struct Maker {
  enum class Kind : std::uint8_t { table, tiles, cudnn };
  Kind kind = Kind::table;
  Way way;
  std::shared_ptr<DnnPlan> forward, gradient;  // of cuDNN's
};

// cuDNN's plans, or why it has none.
Maker ask_cudnn(const NodeContext& node, AttentionShape shape) {
  Maker maker{Maker::Kind::cudnn, {"cudnn"}, nullptr, nullptr};
  for (const bool is_gradient : {false, true}) {
    shape.is_gradient = is_gradient;
    const DnnChoice& choice = node.cuda->dnn->attention(shape);
    if (!choice.plan) {
      const bool has_tiles = has_attention_tiles(shape.head_dim);
      return {has_tiles ? Maker::Kind::tiles : Maker::Kind::table,
              {"own", (is_gradient ? "the gradient: " : "") + choice.refusal, true},
              nullptr,
              nullptr};
    }
    (is_gradient ? maker.gradient : maker.forward) = choice.plan;
  }
  return maker;
}

Maker find_maker(const NodeContext& node, const AttentionShape& shape, DType dtype) {
  if (dtype != DType::bf16) {
    return {Maker::Kind::table, {"own", "cuDNN's fused kernels do not compute f32"}, nullptr, nullptr};
  }
  if (shape.head_dim % 8 != 0) {
    return {Maker::Kind::table,
            {"own", text("heads of width ", shape.head_dim, ", which 8 does not divide")},
            nullptr,
            nullptr};
  }
  Maker maker = ask_cudnn(node, shape);
  if (maker.kind != Maker::Kind::cudnn || !has_attention_tiles(shape.head_dim)) return maker;
  const auto& [is_own, is_timed, why] = node.cuda->attention->choose(shape, *maker.forward, *maker.gradient);
  if (is_own) maker.kind = Maker::Kind::tiles;
  maker.way = {is_own ? "own" : "cudnn", why, false, is_timed};
  return maker;
}

class DnnAttention final : public Kernel {
 public:
  DnnAttention(const AttentionShape& shape, std::shared_ptr<DnnPlan> plan) : shape_(shape), plan_(std::move(plan)) {}

  std::int64_t scratch_bytes() const override { return plan_->scratch_bytes(); }
  void bind(const KernelArgs& args) override {
    if (shape_.is_gradient) {  // in: dy, qkv, stats, y; out: dqkv
      operands_ = attention_gradient_operands(
          shape_, {.qkv = args.in[1], .y = args.in[3], .stats = args.in[2], .dy = args.in[0], .dqkv = args.out[0]});
      count_ = kAttentionGradientOperands;
    } else {  // in: qkv; out: y, stats
      const auto operands = attention_operands(shape_, {.qkv = args.in[0], .y = args.out[0], .stats = args.out[1]});
      std::copy(operands.begin(), operands.end(), operands_.begin());
      count_ = kAttentionOperands;
    }
    scratch_ = args.scratch;
    plan_->tune({operands_.data(), count_}, scratch_);
  }
  void run() override { plan_->run({operands_.data(), count_}, scratch_); }

 private:
  AttentionShape shape_;
  std::shared_ptr<DnnPlan> plan_;
  std::array<void*, kAttentionGradientOperands> operands_{};
  std::size_t count_ = 0;
  void* scratch_ = nullptr;
};

template <class Args>
Args own_args(const AttentionShape& shape) {
  Args args;
  args.images = shape.images;
  args.tokens = shape.tokens;
  args.heads = shape.heads;
  args.head_dim = shape.head_dim;
  return args;
}

template <class Args>
Args table_args(const AttentionShape& shape, DType dtype) {
  GYRUS_CHECK(shape.head_dim <= kMostHeadDim, Code::invalid_argument, "attention heads of width ", shape.head_dim,
              " in ", name_of(dtype), " are more than the GPU's kernels take: ", kMostHeadDim,
              "; use more heads, or device: 'cpu'");
  Args args = own_args<Args>(shape);
  args.dtype = dtype;
  return args;
}

std::unique_ptr<Kernel> make_tiles(const NodeContext& node, const AttentionShape& shape) {
  return launch(node, own_args<AttentionTilesArgs>(shape), attention_tiles_forward,
                [](AttentionTilesArgs& a, const KernelArgs& k) {
                  a.qkv = k.in[0];
                  a.y = k.out[0];
                  a.stats = floats(k.out[1]);
                });
}

std::unique_ptr<Kernel> make_tiles_gradient(const NodeContext& node, const AttentionShape& shape) {
  const auto args = own_args<AttentionTilesBackwardArgs>(shape);
  const auto place = [](AttentionTilesBackwardArgs& a, const KernelArgs& k) {
    a.dy = k.in[0];
    a.qkv = k.in[1];
    a.stats = floats(static_cast<const void*>(k.in[2]));
    a.y = k.in[3];
    a.dqkv = k.out[0];
    a.scratch = k.scratch;
  };
  return launch(node, args, attention_tiles_backward, place, attention_tiles_backward_scratch_bytes(args));
}

std::unique_ptr<Kernel> make_table(const NodeContext& node, const AttentionShape& shape, DType dtype) {
  return launch(node, table_args<AttentionArgs>(shape, dtype), attention_forward,
                [](AttentionArgs& a, const KernelArgs& k) {
                  a.qkv = k.in[0];
                  a.y = k.out[0];
                  a.probabilities = k.out[1];
                });
}

std::unique_ptr<Kernel> make_table_gradient(const NodeContext& node, const AttentionShape& shape, DType dtype) {
  const auto args = table_args<AttentionBackwardArgs>(shape, dtype);
  const auto place = [](AttentionBackwardArgs& a, const KernelArgs& k) {
    a.dy = k.in[0];
    a.qkv = k.in[1];
    a.probabilities = k.in[2];
    a.dqkv = k.out[0];
    a.scratch = k.scratch;
  };
  return launch(node, args, attention_backward, place, attention_backward_scratch_bytes(args));
}

}  // namespace

LoweredKernel make_attention(const NodeContext& node) {
  const AttentionShape shape = attention_shape(node, node.out_shape(0), false);
  const DType dtype = node.in_type(0).dtype;
  Maker maker = find_maker(node, shape, dtype);
  LoweredKernel lowered;
  lowered.way = std::move(maker.way);
  if (maker.kind == Maker::Kind::table) {
    lowered.kernel = make_table(node, shape, dtype);
    return lowered;
  }
  lowered.kernel = maker.kind == Maker::Kind::tiles ? make_tiles(node, shape)
                                                    : std::make_unique<DnnAttention>(shape, std::move(maker.forward));
  lowered.other_forms.push_back({1, shape.images * shape.heads * shape.tokens * size_of(DType::f32)});
  return lowered;
}

LoweredKernel make_attention_grad(const NodeContext& node) {
  const AttentionShape shape = attention_shape(node, node.in_shape(0), true);
  const DType dtype = node.in_type(0).dtype;
  Maker maker = find_maker(node, shape, dtype);
  LoweredKernel lowered;
  lowered.way = std::move(maker.way);
  if (maker.kind == Maker::Kind::table) {
    lowered.kernel = make_table_gradient(node, shape, dtype);
    return lowered;
  }
  lowered.kernel = maker.kind == Maker::Kind::tiles ? make_tiles_gradient(node, shape)
                                                    : std::make_unique<DnnAttention>(shape, std::move(maker.gradient));
  lowered.extra_reads.push_back(node.graph.output(node.in(2).producer, 0));  // y
  return lowered;
}

}  // namespace gyrus::backend::cuda
