// Rows of unit length, always in f32: y = x inv_norm, inv_norm = 1/max(|x|, eps). Since |y| = 1 away from eps,
//   dx = inv_norm (dy - y (y . dy)).
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer_normalize(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::l2_normalize);
  const auto& a = attrs_as<L2NormalizeAttrs>(op, attrs);
  GYRUS_CHECK(a.eps > 0, Code::invalid_argument, op, ": eps must be positive, got ", a.eps);
  check_input_count(op, in, 1, 1);
  check_rank(op, "x [N, D]", in[0], 2);
  check_float(op, "x", in[0]);
  return {{in[0].shape, DType::f32}, {{in[0].shape[0]}, DType::f32}};
}

std::vector<ValueType> infer_normalize_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::l2_normalize_grad);
  const auto& a = attrs_as<L2NormalizeAttrs>(op, attrs);
  GYRUS_CHECK(a.grad_dtype == DType::f32 || a.grad_dtype == DType::bf16, Code::dtype, op, " gives f32 or bf16, not ",
              name_of(a.grad_dtype));
  check_input_count(op, in, 3, 3);
  check_rank(op, "dy [N, D]", in[0], 2);
  check_dtype(op, "dy", in[0], DType::f32);
  check_same(op, "y", in[1], in[0]);
  check_f32(op, "inv_norm [N]", in[2], {in[0].shape[0]});
  return {{in[0].shape, a.grad_dtype}};
}

void gradient(GradientScope& scope) {
  refuse_gradient(scope, 1, "the rows' inverse norm");
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  L2NormalizeAttrs attrs = std::get<L2NormalizeAttrs>(scope.node.attrs);
  attrs.grad_dtype = scope.graph.value(scope.node.inputs[0]).dtype();
  const auto& outputs = scope.node.outputs;
  scope.grad_in[0] = scope.graph.output(
      scope.add(OpKind::l2_normalize_grad, attrs, {scope.grad_out[0], outputs[0], outputs[1]}, "grad"));
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 3);
}
Work work_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 5);
}

}  // namespace

ValueId l2_normalize(Graph& graph, ValueId x, float eps, std::string name) {
  return graph.output(graph.add_node(OpKind::l2_normalize, L2NormalizeAttrs{.eps = eps}, {x}, std::move(name)));
}

namespace defs {

// Never in place: x and y, dy and dx may differ in width, and a row would then overwrite its neighbours.
constinit const OpDef l2_normalize{
    .kind = OpKind::l2_normalize, .infer = infer_normalize, .gradient = gradient, .work = work};
constinit const OpDef l2_normalize_grad{
    .kind = OpKind::l2_normalize_grad, .infer = infer_normalize_grad, .work = work_grad};

}  // namespace defs
}  // namespace gyrus::graph
