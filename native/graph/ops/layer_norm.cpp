// Layer normalisation over the last axis, and the fused form that normalises sum = x + residual. It stands where the
// residual stream, f32, is read into a branch of the compute dtype: y may be narrower than what is normalised, and so
// may x than the residual. The stream's gradient is as wide as the stream, as it sums a branch's share at every norm;
// where the branch that joined there is narrower, the gradient is given rounded for it as well. With xhat = (x - mean)
// inv_std and h = gamma dy, a row of width D has
//   dx = inv_std (h - mean(h) - xhat mean(h xhat));   dgamma = sum over rows of dy xhat;   dbeta = sum of dy.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

constexpr std::size_t kSum = 3;       // output of the fused form
constexpr std::size_t kResidual = 3;  // input of the fused form
constexpr int kRounded = 3;           // output of the gradient

std::vector<ValueType> infer_layer_norm(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::layer_norm);
  const auto& a = attrs_as<LayerNormAttrs>(op, attrs);
  GYRUS_CHECK(!a.has_addend, Code::internal, op, ": has_addend belongs to layer_norm_grad");
  const std::size_t count = a.has_residual ? 4 : 3;
  check_input_count(op, in, count, count);
  const Shape& x = in[0].shape;
  GYRUS_CHECK(x.rank() >= 1 && x.back() >= 1, Code::shape, op, ": x [..., D] must have a last axis to normalise, got ",
              x);
  check_float(op, "x", in[0]);
  check_f32(op, "gamma", in[1], {x.back()});
  check_f32(op, "beta", in[2], {x.back()});
  const ValueType statistic{{x.rows()}, DType::f32};
  std::vector<ValueType> out{{x, a.dtype}, statistic, statistic};
  if (a.has_residual) {
    check_shape(op, "residual", in[kResidual], x);
    if (in[kResidual].dtype != DType::f32) check_dtype(op, "residual", in[kResidual], in[0].dtype);
    out.push_back(in[kResidual]);
  }
  const ValueType& normalised = a.has_residual ? in[kResidual] : in[0];
  if (normalised.dtype != DType::f32) check_dtype(op, "what is normalised, for that y", normalised, a.dtype);
  return out;
}

std::vector<ValueType> infer_layer_norm_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::layer_norm_grad);
  const auto& a = attrs_as<LayerNormAttrs>(op, attrs);
  const std::size_t count = a.has_addend ? 6 : 5;
  check_input_count(op, in, count, count);
  const Shape& dy = in[0].shape;
  GYRUS_CHECK(dy.rank() >= 1 && dy.back() >= 1, Code::shape, op, ": dy [..., D] must have a last axis, got ", dy);
  check_float(op, "dy", in[0]);
  check_shape(op, "x", in[1], dy);
  check_float(op, "x", in[1]);
  if (in[1].dtype != DType::f32) check_dtype(op, "x", in[1], in[0].dtype);
  check_f32(op, "gamma", in[2], {dy.back()});
  check_f32(op, "mean", in[3], {dy.rows()});
  check_f32(op, "inv_std", in[4], {dy.rows()});
  if (a.has_addend) check_same(op, "addend", in[5], in[1]);
  const ValueType parameter{{dy.back()}, DType::f32};
  std::vector<ValueType> out{in[1], parameter, parameter};
  if (a.has_rounded) out.push_back(in[0]);
  return out;
}

void gradient(GradientScope& scope) {
  const auto& a = std::get<LayerNormAttrs>(scope.node.attrs);
  const auto &inputs = scope.node.inputs, &outputs = scope.node.outputs;
  refuse_gradient(scope, 1, "the rows' mean");
  refuse_gradient(scope, 2, "the rows' inverse deviation");
  const bool wants_residual = a.has_residual && scope.wanted[kResidual];
  const bool wants_input = scope.wanted[0] || wants_residual;
  const bool wants_affine = scope.wanted[1] || scope.wanted[2];
  const DType x_dtype = scope.graph.value(inputs[0]).dtype();

  ValueId dx, dx_of_x;
  if (reached(scope, 0) && (wants_input || wants_affine)) {
    LayerNormAttrs grad_attrs{.eps = a.eps};
    grad_attrs.has_addend = reached(scope, kSum) && wants_input;
    std::vector<ValueId> grad_inputs{scope.grad_out[0], a.has_residual ? outputs[kSum] : inputs[0], inputs[1],
                                     outputs[1], outputs[2]};
    if (grad_attrs.has_addend) grad_inputs.push_back(scope.grad_out[kSum]);
    const DType dx_dtype = scope.graph.value(grad_inputs[1]).dtype();
    grad_attrs.has_rounded =
        scope.wanted[0] && x_dtype != dx_dtype && x_dtype == scope.graph.value(scope.grad_out[0]).dtype();
    const NodeId grad = scope.add(OpKind::layer_norm_grad, grad_attrs, std::move(grad_inputs), "grad");
    dx = scope.graph.output(grad, 0);
    if (grad_attrs.has_rounded) dx_of_x = scope.graph.output(grad, kRounded);
    if (scope.wanted[1]) scope.grad_in[1] = scope.graph.output(grad, 1);
    if (scope.wanted[2]) scope.grad_in[2] = scope.graph.output(grad, 2);
  } else if (reached(scope, kSum)) {
    dx = scope.grad_out[kSum];
  }
  if (scope.wanted[0] && dx.is_valid()) {
    scope.grad_in[0] = dx_of_x.is_valid() ? dx_of_x : gradient_as(scope, dx, x_dtype);
  }
  if (wants_residual) scope.grad_in[kResidual] = dx;
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 8);
}
Work work_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 14);
}

// Row by row: a row's statistics and sums are known before the row is written.
constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}};
constexpr InplacePair kInplaceGrad[] = {
    {.input = 5, .output = 0}, {.input = 0, .output = 0}, {.input = 0, .output = kRounded}};

}  // namespace

ValueId layer_norm(Graph& graph, ValueId x, ValueId gamma, ValueId beta, float eps, std::string name) {
  const LayerNormAttrs attrs{.eps = eps, .dtype = graph.value(x).dtype()};
  return graph.output(graph.add_node(OpKind::layer_norm, attrs, {x, gamma, beta}, std::move(name)));
}

namespace defs {

constinit const OpDef layer_norm{
    .kind = OpKind::layer_norm, .infer = infer_layer_norm, .gradient = gradient, .work = work, .inplace = kInplace};
constinit const OpDef layer_norm_grad{
    .kind = OpKind::layer_norm_grad, .infer = infer_layer_norm_grad, .work = work_grad, .inplace = kInplaceGrad};

}  // namespace defs
}  // namespace gyrus::graph
