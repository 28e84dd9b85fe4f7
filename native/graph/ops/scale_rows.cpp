// Every image's share of a value times a factor of its own. The factors are [branches, N]: one input serves all
// residual branches of a network, and the attribute says whose row is read. They are drawn, not learned.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::scale_rows);
  const auto& a = attrs_as<RowScaleAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_float(op, "x", in[0]);
  GYRUS_CHECK(in[0].shape.rank() >= 2, Code::shape, op, ": x must be [N, ...], not ", in[0].shape);
  check_rank(op, "factors [R, N]", in[1], 2);
  check_f32(op, "factors [R, N]", in[1], {in[1].shape[0], in[0].shape[0]});
  GYRUS_CHECK(a.branch >= 0 && a.branch < in[1].shape[0], Code::shape, op, ": there is no branch ", a.branch, " of ",
              in[1].shape[0]);
  return {in[0]};
}

// dx_i = factors[branch, i] dy_i.
void gradient(GradientScope& scope) {
  GYRUS_CHECK(!scope.wanted[1], Code::not_differentiable, "scale_rows ", scope.node.name,
              ": the factors have no gradient");
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  const ValueId dy = gradient_as(scope, scope.grad_out[0], scope.graph.value(scope.node.inputs[0]).dtype());
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::scale_rows, scope.node.attrs, {dy, scope.node.inputs[1]}, "grad"));
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in.first(1), out);
}

constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}};

}  // namespace

ValueId scale_rows(Graph& graph, ValueId x, ValueId factors, std::int64_t branch, std::string name) {
  return graph.output(graph.add_node(OpKind::scale_rows, RowScaleAttrs{branch}, {x, factors}, std::move(name)));
}

namespace defs {

constinit const OpDef scale_rows{
    .kind = OpKind::scale_rows, .infer = infer, .gradient = gradient, .work = work, .inplace = kInplace};

}  // namespace defs
}  // namespace gyrus::graph
