#include "backend/cpu/dnnl/conv2d.h"

#include <algorithm>
#include <array>

#include "backend/cpu/amx/grad_weight.h"
#include "backend/cpu/amx/row_product.h"
#include "backend/cpu/conv_geometry.h"
#include "backend/cpu/dnnl/pack_weights.h"
#include "backend/cpu/dnnl/primitive_sequence.h"
#include "backend/cpu/dnnl/spread_grad_input.h"
#include "backend/cpu/simd/grad_weight.h"
#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/simd/unblock.h"
#include "backend/cpu/simd/window_product.h"

namespace gyrus::backend::cpu {
namespace {

using ::dnnl::algorithm;
using ::dnnl::convolution_backward_data;
using ::dnnl::convolution_backward_weights;
using ::dnnl::convolution_forward;
using ::dnnl::memory;
using ::dnnl::prop_kind;

// What oneDNN's three convolutions share. It writes shapes as NCHW and OIHW whatever the layout in memory is.
struct ConvDescs {
  memory::desc x, y, plain_w, any_w;
  memory::dims strides, padding_begin, padding_end;
};

ConvDescs describe_conv(const ConvGeometry& g, DType compute, DType weight) {
  using Tag = memory::format_tag;
  const memory::dims weight_dims{g.co, g.ci, g.kh, g.kw};
  return {{{g.n, g.ci, g.h, g.w}, dnnl_type(compute), Tag::nhwc},
          {{g.n, g.co, g.oh, g.ow}, dnnl_type(compute), Tag::nhwc},
          {weight_dims, memory::data_type::f32, Tag::oihw},
          {weight_dims, dnnl_type(weight), Tag::any},
          {g.stride, g.stride},
          {g.padding, g.padding},
          {(g.oh - 1) * g.stride + g.kh - g.h - g.padding, (g.ow - 1) * g.stride + g.kw - g.w - g.padding}};
}

convolution_forward::primitive_desc forward_desc(const DnnlEngine& engine, const ConvDescs& d,
                                                 const memory::desc& any_w, const memory::desc& bias) {
  return {engine.engine(),
          prop_kind::forward_training,
          algorithm::convolution_direct,
          d.x,
          any_w,
          bias,
          d.y,
          d.strides,
          d.padding_begin,
          d.padding_end,
          dnnl_attributes()};
}

// The gradient of weights, in oneDNN's order in scratch memory, then in ours.
class UnblockedGradWeight final : public Kernel {
 public:
  UnblockedGradWeight(std::unique_ptr<Kernel> gradient, Place blocked, std::unique_ptr<Kernel> unblock)
      : gradient_(std::move(gradient)), blocked_(blocked), unblock_(std::move(unblock)) {}
  std::int64_t scratch_bytes() const override { return gradient_->scratch_bytes(); }
  void bind(const KernelArgs& args) override {
    gradient_->bind(args);
    const std::array<void*, 1> blocked{resolve(blocked_, args)};
    KernelArgs rest = args;
    rest.in = blocked;
    unblock_->bind(rest);
  }
  void run() override {
    gradient_->run();
    unblock_->run();
  }

 private:
  std::unique_ptr<Kernel> gradient_;
  Place blocked_;
  std::unique_ptr<Kernel> unblock_;
};

// oneDNN's reorder moves 6 GB/s where ours moves 40.
bool can_unblock(const ConvGeometry& g, const memory::desc& blocked) {
  const memory::desc by_sixteen({g.co, g.ci, g.kh, g.kw}, memory::data_type::f32, memory::format_tag::ABcd16b16a);
  return g.co % 16 == 0 && g.ci % 16 == 0 && blocked == by_sixteen && has_long_vectors();
}

// A dense 1x1 convolution is a product of rows: ours is the better one for some shapes.
bool runs_on_amx(const NodeContext& node, const ConvGeometry& g, const amx::RowProductShape& shape) {
  return g.is_pointwise() && g.stride == 1 && node.in_type(0).dtype == DType::bf16 && cpu_has_amx() &&
         amx::beats_convolution(shape);
}

// Our own product computes in f32 arithmetic; in f32 itself oneDNN's convolutions are a tenth faster.
bool takes_window_product(DType compute) { return compute == DType::bf16 && widens_bf16(); }

LoweredKernel with_pack(std::unique_ptr<Kernel> kernel, std::optional<PackRequest> pack) {
  LoweredKernel lowered{std::move(kernel), {}};
  if (pack) lowered.packs.push_back(std::move(*pack));
  return lowered;
}

LoweredKernel grad_input(const NodeContext& node, const ConvGeometry& g) {
  const DType compute = node.in_type(0).dtype;
  const amx::RowProductShape rows{g.n * g.oh * g.ow, g.co, g.ci, false, false, false};
  if (runs_on_amx(node, g, rows)) return amx::make_row_product(rows, node.threads);
  if (g.stride == 1 && g.padding < std::min(g.kh, g.kw) && takes_window_product(compute)) {
    return make_window_product(gradient_product(g, compute), node.threads);
  }
  auto kernel = std::make_unique<PrimitiveSequence>(node.dnnl, text("conv2d_grad_input ", node.node.name));
  return with_dnnl_errors(preparing(node), [&] {
    const ConvDescs d = describe_conv(g, compute, compute);
    const auto hint = forward_desc(*node.dnnl, d, d.any_w, memory::desc());
    const convolution_backward_data::primitive_desc backward(node.dnnl->engine(), algorithm::convolution_direct, d.x,
                                                             d.any_w, d.y, d.strides, d.padding_begin, d.padding_end,
                                                             hint, dnnl_attributes());
    kernel->add(convolution_backward_data(backward),
                {{DNNL_ARG_DIFF_DST, d.y, input(0)},
                 {DNNL_ARG_WEIGHTS, backward.weights_desc(), input(1)},
                 {DNNL_ARG_DIFF_SRC, d.x, output(0)}},
                backward.scratchpad_desc());
    return with_pack(std::move(kernel), request_pack(node, 1, d.plain_w, backward.weights_desc()));
  });
}

}  // namespace

LoweredKernel make_conv2d(const NodeContext& node) {
  const ConvGeometry g = conv_geometry(node, node.in_shape(0), node.out_shape(0));
  const DType compute = node.in_type(0).dtype;
  const bool has_bias = node.input_count() > 2;
  const amx::RowProductShape rows{g.n * g.oh * g.ow, g.ci, g.co, true, has_bias, false};
  if (runs_on_amx(node, g, rows)) return amx::make_row_product(rows, node.threads);
  if (takes_window_product(compute)) return make_window_product(forward_product(g, compute, has_bias), node.threads);
  auto kernel = std::make_unique<PrimitiveSequence>(node.dnnl, text("conv2d ", node.node.name));
  return with_dnnl_errors(preparing(node), [&] {
    const ConvDescs d = describe_conv(g, compute, compute);
    const memory::desc bias =
        has_bias ? memory::desc({g.co}, memory::data_type::f32, memory::format_tag::a) : memory::desc();
    const auto forward = forward_desc(*node.dnnl, d, d.any_w, bias);
    std::vector<Argument> arguments{{DNNL_ARG_SRC, d.x, input(0)},
                                    {DNNL_ARG_WEIGHTS, forward.weights_desc(), input(1)},
                                    {DNNL_ARG_DST, d.y, output(0)}};
    if (has_bias) arguments.push_back({DNNL_ARG_BIAS, bias, input(2)});
    kernel->add(convolution_forward(forward), std::move(arguments), forward.scratchpad_desc());
    return with_pack(std::move(kernel), request_pack(node, 1, d.plain_w, forward.weights_desc()));
  });
}

LoweredKernel make_conv2d_grad_input(const NodeContext& node) {
  const ConvGeometry g = conv_geometry(node, node.out_shape(0), node.in_shape(0));
  if (!g.is_pointwise() || g.stride == 1) return grad_input(node, g);
  // Only the positions that the stride keeps have a gradient: a dense product over them, then zeros between. oneDNN's
  // own strided kernel takes 2 to 3.5 times as long (256 to 512 channels, 56 x 56, stride 2: 10.4 ms against 4.5
  // forward).
  ConvGeometry dense = g;
  dense.h = g.oh;
  dense.w = g.ow;
  dense.stride = 1;
  LoweredKernel lowered = grad_input(node, dense);
  lowered.kernel = std::make_unique<SpreadGradInput>(std::move(lowered.kernel), g, node.in_type(0).dtype, node.threads);
  return lowered;
}

LoweredKernel make_conv2d_grad_weight(const NodeContext& node) {
  const ConvGeometry g = conv_geometry(node, node.in_shape(0), node.in_shape(1));
  const DType compute = node.in_type(0).dtype;
  if (compute == DType::bf16 && cpu_has_amx()) return {amx::make_grad_weight(g, node.threads), {}};
  if ((compute == DType::f32 || widens_bf16()) && beats_dnnl(g))
    return {make_grad_weight(g, compute, node.threads), {}};
  if (compute == DType::bf16 && multiplies_pairs() && pairs_beat_dnnl(g))
    return {make_paired_grad_weight(g, node.threads), {}};
  auto kernel = std::make_unique<PrimitiveSequence>(node.dnnl, text("conv2d_grad_weight ", node.node.name));
  return with_dnnl_errors(preparing(node), [&] {
    const ConvDescs d = describe_conv(g, compute, DType::f32);
    const auto hint = forward_desc(*node.dnnl, d, describe_conv(g, compute, compute).any_w, memory::desc());
    const convolution_backward_weights::primitive_desc backward(node.dnnl->engine(), algorithm::convolution_direct, d.x,
                                                                d.any_w, d.y, d.strides, d.padding_begin, d.padding_end,
                                                                hint, dnnl_attributes());
    const memory::desc blocked = backward.diff_weights_desc();
    const bool is_plain = blocked == d.plain_w;
    const Place dw = is_plain ? output(0) : kernel->add_scratch(blocked.get_size());
    kernel->add(
        convolution_backward_weights(backward),
        {{DNNL_ARG_SRC, d.x, input(0)}, {DNNL_ARG_DIFF_DST, d.y, input(1)}, {DNNL_ARG_DIFF_WEIGHTS, blocked, dw}},
        backward.scratchpad_desc());
    if (can_unblock(g, blocked)) {
      auto unblock = make_unblock({g.co, g.ci, g.kh * g.kw}, node.threads);
      return LoweredKernel{std::make_unique<UnblockedGradWeight>(std::move(kernel), dw, std::move(unblock)), {}};
    }
    if (!is_plain) {
      const ::dnnl::reorder::primitive_desc unblock(node.dnnl->engine(), blocked, node.dnnl->engine(), d.plain_w,
                                                    dnnl_attributes());
      kernel->add(::dnnl::reorder(unblock), {{DNNL_ARG_FROM, blocked, dw}, {DNNL_ARG_TO, d.plain_w, output(0)}},
                  unblock.scratchpad_desc());
    }
    return LoweredKernel{std::move(kernel), {}};
  });
}

}  // namespace gyrus::backend::cpu
