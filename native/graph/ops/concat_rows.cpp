// Two matrices of one width, one below the other: [N, D] and [M, D] -> [N + M, D]. The gradient takes dy apart again.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer_concat(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::concat_rows);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_rank(op, "a [N, D]", in[0], 2);
  check_float(op, "a", in[0]);
  check_rank(op, "b [M, D]", in[1], 2);
  check_shape(op, "b", in[1], {in[1].shape[0], in[0].shape[1]});
  check_dtype(op, "b", in[1], in[0].dtype);
  return {{{in[0].shape[0] + in[1].shape[0], in[0].shape[1]}, in[0].dtype}};
}

std::vector<ValueType> infer_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::concat_rows_grad);
  const auto& a = attrs_as<ConcatAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "dy [N + M, D]", in[0], 2);
  check_float(op, "dy", in[0]);
  const std::int64_t width = in[0].shape[1];
  check_shape(op, "dy", in[0], {a.first + a.second, width});
  return {{{a.first, width}, in[0].dtype}, {{a.second, width}, in[0].dtype}};
}

void gradient(GradientScope& scope) {
  if (!reached(scope, 0)) return;
  const auto rows = [&](std::size_t input) { return scope.graph.value(scope.node.inputs[input]).shape()[0]; };
  const ConcatAttrs attrs{.first = rows(0), .second = rows(1)};
  const NodeId parts = scope.add(OpKind::concat_rows_grad, attrs, {scope.grad_out[0]}, "grad");
  for (int i = 0; i < 2; ++i) {
    const auto input = static_cast<std::size_t>(i);
    if (scope.wanted[input]) scope.grad_in[input] = scope.graph.output(parts, i);
  }
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 0);
}

}  // namespace

ValueId concat_rows(Graph& graph, ValueId a, ValueId b, std::string name) {
  return graph.output(graph.add_node(OpKind::concat_rows, NoAttrs{}, {a, b}, std::move(name)));
}

namespace defs {

constinit const OpDef concat_rows{
    .kind = OpKind::concat_rows, .infer = infer_concat, .gradient = gradient, .work = work};
constinit const OpDef concat_rows_grad{.kind = OpKind::concat_rows_grad, .infer = infer_grad, .work = work};

}  // namespace defs
}  // namespace gyrus::graph
