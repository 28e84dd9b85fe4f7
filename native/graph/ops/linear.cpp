// y = x w^T + b over the last axis, optionally with an exact GELU behind it (attrs.activation), and its gradients:
// dx = dy w, dw = dy^T x, db = sum of dy's rows.
#include <optional>
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

// A parameter (f32) or an activation of the other operand's dtype.
void check_weight(std::string_view op, const ValueType& w, DType compute) {
  check_rank(op, "w [O, K]", w, 2);
  if (w.dtype != DType::f32) check_dtype(op, "w (f32, or like the other operand)", w, compute);
}

void check_rows(std::string_view op, std::string_view what, const ValueType& type) {
  GYRUS_CHECK(type.shape.rank() >= 1, Code::shape, op, ": ", what, " must have at least one axis, got ", type.shape);
  check_float(op, what, type);
}

std::vector<ValueType> infer_linear(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::linear);
  const auto& a = attrs_as<LinearAttrs>(op, attrs);
  check_input_count(op, in, 2, 3);
  check_rows(op, "x [..., K]", in[0]);
  check_weight(op, in[1], in[0].dtype);
  const Shape &x = in[0].shape, &w = in[1].shape;
  GYRUS_CHECK(x.back() == w[1], Code::shape, op, ": x ", x, " has ", x.back(), " features, but w ", w, " takes ", w[1]);
  if (in.size() == 3) check_f32(op, "bias [O]", in[2], {w[0]});
  const ValueType y{x.with_back(w[0]), in[0].dtype};
  if (a.activation == Activation::gelu) return {y, y};
  return {y};
}

std::vector<ValueType> infer_grad_input(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::linear_grad_input);
  attrs_as<LinearAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_rows(op, "dy [..., O]", in[0]);
  check_weight(op, in[1], in[0].dtype);
  const Shape &dy = in[0].shape, &w = in[1].shape;
  GYRUS_CHECK(dy.back() == w[0], Code::shape, op, ": dy ", dy, " has ", dy.back(), " features, but w ", w, " gives ",
              w[0]);
  return {{dy.with_back(w[1]), in[0].dtype}};
}

std::vector<ValueType> infer_grad_weight(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::linear_grad_weight);
  attrs_as<LinearAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_rows(op, "x [..., K]", in[0]);
  check_rows(op, "dy [..., O]", in[1]);
  const Shape &x = in[0].shape, &dy = in[1].shape;
  check_same(op, "dy", in[1], {x.with_back(dy.back()), in[0].dtype});
  return {{{dy.back(), x.back()}, DType::f32}};
}

// The gradient before the activation: `pre` is output 1 of the fused form, and may have been read by others as well.
ValueId gradient_before_activation(GradientScope& scope) {
  if (std::get<LinearAttrs>(scope.node.attrs).activation == Activation::none) return scope.grad_out[0];
  ValueId total = reached(scope, 1) ? scope.grad_out[1] : ValueId{};
  if (reached(scope, 0)) {
    const ValueId pre = scope.node.outputs[1];
    const ValueId through =
        scope.graph.output(scope.add(OpKind::gelu_grad, NoAttrs{}, {scope.grad_out[0], pre}, "grad_pre"));
    total = total.is_valid() ? scope.graph.output(scope.add(OpKind::add, NoAttrs{}, {through, total}, "grad_pre_sum"))
                             : through;
  }
  return total;
}

void gradient_linear(GradientScope& scope) {
  const auto& inputs = scope.node.inputs;
  const bool wants_bias = inputs.size() == 3 && scope.wanted[2];
  if (!scope.wanted[0] && !scope.wanted[1] && !wants_bias) return;
  if (!reached(scope, 0) && !reached(scope, 1)) return;
  const ValueId dy = gradient_before_activation(scope);
  const auto add = [&](OpKind kind, Attrs attrs, std::vector<ValueId> in, std::string_view what) {
    return scope.graph.output(scope.add(kind, attrs, std::move(in), what));
  };
  if (scope.wanted[0]) scope.grad_in[0] = add(OpKind::linear_grad_input, LinearAttrs{}, {dy, inputs[1]}, "grad_input");
  if (scope.wanted[1]) {
    ValueId dw = add(OpKind::linear_grad_weight, LinearAttrs{}, {inputs[0], dy}, "grad_weight");
    const DType w_dtype = scope.graph.value(inputs[1]).dtype();
    if (w_dtype != DType::f32) dw = add(OpKind::cast, CastAttrs{w_dtype}, {dw}, "grad_weight_cast");
    scope.grad_in[1] = dw;
  }
  if (wants_bias) scope.grad_in[2] = add(OpKind::sum_rows, NoAttrs{}, {dy}, "grad_bias");
}

// A product of [rows, a] and [a, b] matrices. The GELU of the fused form, a few percent of that, is left out.
Work product_work(std::int64_t rows, std::int64_t a, std::int64_t b, std::span<const ValueType> in,
                  std::span<const ValueType> out) {
  Work work = memory_bound_work(in, out, 0);
  work.flops = 2.0 * static_cast<double>(rows) * static_cast<double>(a) * static_cast<double>(b);
  return work;
}

Work work_with_weight(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return product_work(in[0].shape.rows(), in[1].shape[0], in[1].shape[1], in, out);
}
Work work_grad_weight(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return product_work(in[0].shape.rows(), out[0].shape[0], out[0].shape[1], in, out);
}

}  // namespace

ValueId linear(Graph& graph, ValueId x, ValueId w, std::optional<ValueId> bias, std::string name) {
  std::vector<ValueId> inputs{x, w};
  if (bias) inputs.push_back(*bias);
  return graph.output(graph.add_node(OpKind::linear, LinearAttrs{}, std::move(inputs), std::move(name)));
}

namespace defs {

constinit const OpDef linear{
    .kind = OpKind::linear, .infer = infer_linear, .gradient = gradient_linear, .work = work_with_weight};
constinit const OpDef linear_grad_input{
    .kind = OpKind::linear_grad_input, .infer = infer_grad_input, .work = work_with_weight};
constinit const OpDef linear_grad_weight{
    .kind = OpKind::linear_grad_weight, .infer = infer_grad_weight, .work = work_grad_weight};

}  // namespace defs
}  // namespace gyrus::graph
