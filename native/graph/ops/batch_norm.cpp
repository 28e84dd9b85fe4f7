// Batch normalisation over the rows of [..., C] with batch statistics, its fused forms y = relu(bn(x) + residual), and
// one gradient op for all of them. With xhat = (x - mean) inv_std and g = the gradient before relu:
//   dbeta = sum g;  dgamma = sum g xhat;  d_residual = g;
//   dx = gamma inv_std (g - dbeta/M - xhat dgamma/M), since mean and variance depend on every row as well.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::size_t input_count(const BatchNormAttrs& a) {
  return 1 + (a.has_affine ? 2U : 0U) + (a.has_running ? 2U : 0U) + (a.has_residual ? 1U : 0U);
}

std::size_t grad_input_count(const BatchNormAttrs& a) {
  return 4 + (a.has_addend ? 1U : 0U) + (a.has_affine ? 1U : 0U) + (a.has_relu ? 1U : 0U);
}

std::vector<ValueType> infer_batch_norm(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::batch_norm);
  const auto& a = attrs_as<BatchNormAttrs>(op, attrs);
  GYRUS_CHECK(!a.has_addend, Code::internal, op, ": has_addend belongs to batch_norm_grad");
  check_input_count(op, in, input_count(a), input_count(a));
  const Shape& x = in[0].shape;
  GYRUS_CHECK(x.rank() >= 2, Code::shape, op, ": x [..., C] must have at least two axes, got ", x);
  check_float(op, "x", in[0]);
  GYRUS_CHECK(x.rows() >= 2, Code::batch_too_small, op, ": x ", x, " has ", x.rows(),
              " value(s) a channel, and a variance needs at least 2; use a larger batch");
  const Shape channels{x.back()};
  std::size_t next = 1;
  if (a.has_affine) {
    check_f32(op, "gamma", in[next++], channels);
    check_f32(op, "beta", in[next++], channels);
  }
  if (a.has_running) {
    check_f32(op, "running_mean", in[next++], channels);
    check_f32(op, "running_var", in[next++], channels);
  }
  if (a.has_residual) check_same(op, "residual", in[next], in[0]);
  return {in[0], {channels, DType::f32}, {channels, DType::f32}};
}

std::vector<ValueType> infer_batch_norm_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::batch_norm_grad);
  const auto& a = attrs_as<BatchNormAttrs>(op, attrs);
  check_input_count(op, in, grad_input_count(a), grad_input_count(a));
  GYRUS_CHECK(in[0].shape.rank() >= 2, Code::shape, op, ": dy [..., C] must have at least two axes, got ", in[0].shape);
  check_float(op, "dy", in[0]);
  const Shape channels{in[0].shape.back()};
  std::size_t next = 1;
  if (a.has_addend) check_same(op, "addend", in[next++], in[0]);
  check_same(op, "x", in[next++], in[0]);
  if (a.has_affine) check_f32(op, "gamma", in[next++], channels);
  check_f32(op, "mean", in[next++], channels);
  check_f32(op, "inv_std", in[next++], channels);
  if (a.has_relu) check_same(op, "y", in[next], in[0]);
  std::vector<ValueType> out{in[0]};
  if (a.has_affine) out.insert(out.end(), 2, {channels, DType::f32});
  if (a.has_residual) out.push_back(in[0]);
  return out;
}

void gradient(GradientScope& scope) {
  const auto& a = std::get<BatchNormAttrs>(scope.node.attrs);
  const auto &inputs = scope.node.inputs, &outputs = scope.node.outputs;
  refuse_gradient(scope, 1, "the batch mean");
  refuse_gradient(scope, 2, "the batch's inverse deviation");
  const std::size_t residual = inputs.size() - 1;
  const bool wants_residual = a.has_residual && scope.wanted[residual];
  const bool wants_affine = a.has_affine && (scope.wanted[1] || scope.wanted[2]);
  if (!reached(scope, 0) || (!scope.wanted[0] && !wants_affine && !wants_residual)) return;

  BatchNormAttrs grad_attrs = a;
  grad_attrs.has_residual = wants_residual;
  std::vector<ValueId> grad_inputs{scope.grad_out[0], inputs[0]};
  if (a.has_affine) grad_inputs.push_back(inputs[1]);
  grad_inputs.push_back(outputs[1]);
  grad_inputs.push_back(outputs[2]);
  if (a.has_relu) grad_inputs.push_back(outputs[0]);
  const NodeId grad = scope.add(OpKind::batch_norm_grad, grad_attrs, std::move(grad_inputs), "grad");

  if (scope.wanted[0]) scope.grad_in[0] = scope.graph.output(grad, 0);
  if (a.has_affine && scope.wanted[1]) scope.grad_in[1] = scope.graph.output(grad, 1);
  if (a.has_affine && scope.wanted[2]) scope.grad_in[2] = scope.graph.output(grad, 2);
  if (wants_residual) scope.grad_in[residual] = scope.graph.output(grad, a.has_affine ? 3 : 1);
}

std::vector<int> mutated_inputs(const Attrs& attrs) {
  const auto& a = std::get<BatchNormAttrs>(attrs);
  if (!a.has_running) return {};
  const int first = a.has_affine ? 3 : 1;
  return {first, first + 1};
}

// Mean, variance, and the normalisation: about 8 operations an element; running statistics count for nothing.
Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 8);
}
Work work_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 10);
}

// Statistics first, then element by element: x (dy) is read for the last time just before y (dx) is written.
constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}};

}  // namespace

ValueId batch_norm(Graph& graph, ValueId x, const BatchNormParameters& parameters, float eps, float momentum,
                   std::string name) {
  GYRUS_CHECK(parameters.gamma.has_value() == parameters.beta.has_value() &&
                  parameters.running_mean.has_value() == parameters.running_var.has_value(),
              Code::invalid_argument, "batch_norm ", name,
              ": gamma and beta come together, and so do running_mean and running_var; one of a pair is missing");
  BatchNormAttrs attrs{.eps = eps, .momentum = momentum};
  attrs.has_affine = parameters.gamma.has_value();
  attrs.has_running = parameters.running_mean.has_value();
  std::vector<ValueId> inputs{x};
  for (const auto& parameter : {parameters.gamma, parameters.beta, parameters.running_mean, parameters.running_var}) {
    if (parameter) inputs.push_back(*parameter);
  }
  return graph.output(graph.add_node(OpKind::batch_norm, attrs, std::move(inputs), std::move(name)));
}

namespace defs {

constinit const OpDef batch_norm{.kind = OpKind::batch_norm,
                                 .infer = infer_batch_norm,
                                 .gradient = gradient,
                                 .work = work,
                                 .inplace = kInplace,
                                 .mutated_inputs = mutated_inputs};
constinit const OpDef batch_norm_grad{
    .kind = OpKind::batch_norm_grad, .infer = infer_batch_norm_grad, .work = work_grad, .inplace = kInplace};

}  // namespace defs
}  // namespace gyrus::graph
