#include "backend/cpu/dnnl/linear.h"

#include <array>

#include "backend/cpu/amx/grad_weight.h"
#include "backend/cpu/amx/row_product.h"
#include "backend/cpu/dnnl/pack_weights.h"
#include "backend/cpu/dnnl/primitive_sequence.h"
#include "backend/cpu/simd/gelu.h"
#include "backend/cpu/simd/grad_weight.h"
#include "backend/cpu/simd/window_product.h"

namespace gyrus::backend::cpu {
namespace {

using ::dnnl::inner_product_backward_weights;
using ::dnnl::inner_product_forward;
using ::dnnl::matmul;
using ::dnnl::memory;
using Tag = memory::format_tag;

// y = x w^T + b and its gradients as matrices: x [rows, k], w [o, k], y [rows, o].
struct LinearGeometry {
  std::int64_t rows = 0, k = 0, o = 0;
};

// w as the right factor of a product, [k, o] for y = x w^T and [o, k] for dx = dy w. `plain` is what lies in memory,
// `wanted` what the product reads. A parameter is packed at every step anyway, since it is f32 and changes, so oneDNN
// may choose the format (10-40 % faster than a plain w, and 2x for the few rows of a projection head); an activation
// (the keys of a loss) is read where it is.
struct Factor {
  memory::desc plain, wanted;
};
bool is_stored(const graph::Value& w) { return w.role == graph::Role::parameter || w.role == graph::Role::ema; }
Factor weight_factor(const graph::Value& w, DType compute, const memory::dims& dims, Tag tag) {
  const bool is_packed = is_stored(w) || w.dtype() != compute;
  const memory::desc plain(dims, dnnl_type(w.dtype()), tag);
  return {plain, is_packed ? memory::desc(dims, dnnl_type(compute), Tag::any) : plain};
}

// Appends dst = src factor (+ bias): src [m, a] from input 0, factor [a, b] from input 1, dst [m, b].
std::optional<PackRequest> add_product(PrimitiveSequence& kernel, const NodeContext& node, const memory::desc& src,
                                       const Factor& factor, const memory::desc& dst, Place to) {
  const bool has_bias = node.input_count() > 2;
  const memory::desc bias =
      has_bias ? memory::desc({1, dst.get_dims()[1]}, memory::data_type::f32, Tag::ab) : memory::desc();
  const matmul::primitive_desc product =
      has_bias ? matmul::primitive_desc(node.dnnl->engine(), src, factor.wanted, bias, dst, dnnl_attributes())
               : matmul::primitive_desc(node.dnnl->engine(), src, factor.wanted, dst, dnnl_attributes());
  std::vector<Argument> arguments{
      {DNNL_ARG_SRC, src, input(0)}, {DNNL_ARG_WEIGHTS, product.weights_desc(), input(1)}, {DNNL_ARG_DST, dst, to}};
  if (has_bias) arguments.push_back({DNNL_ARG_BIAS, bias, input(2)});
  kernel.add(matmul(product), std::move(arguments), product.scratchpad_desc());
  return request_pack(node, 1, factor.plain, product.weights_desc());
}

// Outputs (y, pre): the product writes pre, then y = gelu(pre) in a second sweep.
class LinearGelu final : public Kernel {
 public:
  LinearGelu(std::unique_ptr<Kernel> product, std::unique_ptr<Kernel> activation)
      : product_(std::move(product)), gelu_(std::move(activation)) {}
  std::int64_t scratch_bytes() const override { return std::max(product_->scratch_bytes(), gelu_->scratch_bytes()); }
  void bind(const KernelArgs& args) override {
    product_->bind(args);
    const std::array<void*, 1> y{args.out[0]}, pre{args.out[1]};
    KernelArgs rest = args;
    rest.in = pre;
    rest.out = y;
    gelu_->bind(rest);
  }
  void run() override {
    product_->run();
    gelu_->run();
  }

 private:
  std::unique_ptr<Kernel> product_, gelu_;
};

std::unique_ptr<Kernel> make_gelu_of_pre(const NodeContext& node) {
  graph::Node gelu;
  gelu.kind = graph::OpKind::gelu;
  gelu.inputs = {node.node.outputs[1]};
  gelu.outputs = {node.node.outputs[0]};
  gelu.name = node.node.name;
  return make_gelu({{node.graph, gelu}, node.threads, node.dnnl});
}

LoweredKernel with_pack(std::unique_ptr<Kernel> kernel, std::optional<PackRequest> pack) {
  LoweredKernel lowered{std::move(kernel), {}};
  if (pack) lowered.packs.push_back(std::move(*pack));
  return lowered;
}

bool runs_on_amx(const NodeContext& node, const amx::RowProductShape& shape) {
  return node.in_type(0).dtype == DType::bf16 && node.in_type(1).dtype == DType::f32 && cpu_has_amx() &&
         amx::takes_row_product(shape);
}

// Our own product computes in f32 arithmetic, and packs its right factor: a stored one, which changes once a step. With
// few rows a product is a pass over the weights, which oneDNN keeps smaller in bf16.
bool takes_window_product(const NodeContext& node, std::int64_t rows) {
  return is_stored(node.in(1)) && rows >= 64 && node.in_type(0).dtype == DType::bf16 && widens_bf16();
}

memory::desc matrix(std::int64_t rows, std::int64_t columns, DType dtype) {
  return {{rows, columns}, dnnl_type(dtype), Tag::ab};
}

}  // namespace

LoweredKernel make_linear(const NodeContext& node) {
  const LinearGeometry g{node.in_shape(0).rows(), node.in_shape(1)[1], node.in_shape(1)[0]};
  const DType compute = node.in_type(0).dtype;
  const bool has_gelu = node.attrs<graph::LinearAttrs>().activation == graph::Activation::gelu;
  const amx::RowProductShape rows{g.rows, g.k, g.o, true, node.input_count() > 2, has_gelu};
  if (runs_on_amx(node, rows)) return amx::make_row_product(rows, node.threads);
  if (takes_window_product(node, g.rows)) {
    WindowProductShape product = linear_product(g.rows, g.k, g.o, compute);
    product.has_bias = node.input_count() > 2;
    product.has_gelu = has_gelu;
    return make_window_product(product, node.threads);
  }
  auto kernel = std::make_unique<PrimitiveSequence>(node.dnnl, text("linear ", node.node.name));
  return with_dnnl_errors(preparing(node), [&] {
    // w [o, k] row-major is [k, o] column-major.
    const Factor factor = weight_factor(node.in(1), compute, {g.k, g.o}, Tag::ba);
    auto pack = add_product(*kernel, node, matrix(g.rows, g.k, compute), factor, matrix(g.rows, g.o, compute),
                            output(has_gelu ? 1 : 0));
    if (!has_gelu) return with_pack(std::move(kernel), std::move(pack));
    return with_pack(std::make_unique<LinearGelu>(std::move(kernel), make_gelu_of_pre(node)), std::move(pack));
  });
}

LoweredKernel make_linear_grad_input(const NodeContext& node) {
  const LinearGeometry g{node.in_shape(0).rows(), node.in_shape(1)[1], node.in_shape(1)[0]};
  const DType compute = node.in_type(0).dtype;
  const amx::RowProductShape rows{g.rows, g.o, g.k, false, false, false};
  if (runs_on_amx(node, rows)) return amx::make_row_product(rows, node.threads);
  if (takes_window_product(node, g.rows)) {
    WindowProductShape product = linear_product(g.rows, g.o, g.k, compute);
    product.is_gradient = true;
    return make_window_product(product, node.threads);
  }
  auto kernel = std::make_unique<PrimitiveSequence>(node.dnnl, text("linear_grad_input ", node.node.name));
  return with_dnnl_errors(preparing(node), [&] {
    const Factor factor = weight_factor(node.in(1), compute, {g.o, g.k}, Tag::ab);
    auto pack =
        add_product(*kernel, node, matrix(g.rows, g.o, compute), factor, matrix(g.rows, g.k, compute), output(0));
    return with_pack(std::move(kernel), std::move(pack));
  });
}

LoweredKernel make_linear_grad_weight(const NodeContext& node) {
  const LinearGeometry g{node.in_shape(0).rows(), node.in_shape(0).back(), node.in_shape(1).back()};
  const DType compute = node.in_type(0).dtype;
  const ConvGeometry rows{.n = g.rows, .h = 1, .w = 1, .ci = g.k, .oh = 1, .ow = 1, .co = g.o, .kh = 1, .kw = 1};
  if (compute == DType::bf16 && cpu_has_amx()) return {amx::make_grad_weight(rows, node.threads), {}};
  // oneDNN's f32 kernel for it is as good as ours.
  if (compute == DType::bf16 && widens_bf16() && beats_dnnl(rows))
    return {make_grad_weight(rows, compute, node.threads), {}};
  auto kernel = std::make_unique<PrimitiveSequence>(node.dnnl, text("linear_grad_weight ", node.node.name));
  return with_dnnl_errors(preparing(node), [&] {
    const memory::desc x = matrix(g.rows, g.k, compute), dy = matrix(g.rows, g.o, compute);
    const memory::desc dw = matrix(g.o, g.k, DType::f32);
    const inner_product_forward::primitive_desc hint(node.dnnl->engine(), ::dnnl::prop_kind::forward_training, x,
                                                     matrix(g.o, g.k, compute), dy, dnnl_attributes());
    const inner_product_backward_weights::primitive_desc backward(node.dnnl->engine(), x, dw, dy, hint,
                                                                  dnnl_attributes());
    kernel->add(
        inner_product_backward_weights(backward),
        {{DNNL_ARG_SRC, x, input(0)}, {DNNL_ARG_DIFF_DST, dy, input(1)}, {DNNL_ARG_DIFF_WEIGHTS, dw, output(0)}},
        backward.scratchpad_desc());
    return LoweredKernel{std::move(kernel), {}};
  });
}

}  // namespace gyrus::backend::cpu
