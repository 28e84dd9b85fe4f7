// One token of each sequence: [N, T, D] -> [N, D]. The gradient is dy there and zero at the other tokens.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

void check_index(std::string_view op, const TokenAttrs& a) {
  GYRUS_CHECK(a.index >= 0 && a.index < a.tokens, Code::shape, op, ": there is no token ", a.index, " among ",
              a.tokens);
}

std::vector<ValueType> infer_select(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::select_token);
  const auto& a = attrs_as<TokenAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "x [N, T, D]", in[0], 3);
  check_float(op, "x", in[0]);
  check_index(op, a);
  const Shape& x = in[0].shape;
  check_shape(op, "x", in[0], {x[0], a.tokens, x[2]});
  return {{{x[0], x[2]}, in[0].dtype}};
}

std::vector<ValueType> infer_select_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::select_token_grad);
  const auto& a = attrs_as<TokenAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "dy [N, D]", in[0], 2);
  check_float(op, "dy", in[0]);
  check_index(op, a);
  return {{{in[0].shape[0], a.tokens, in[0].shape[1]}, in[0].dtype}};
}

void gradient(GradientScope& scope) {
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::select_token_grad, scope.node.attrs, {scope.grad_out[0]}, "grad"));
}

// Only the selected rows move.
Work work_select(const Attrs&, std::span<const ValueType>, std::span<const ValueType> out) {
  Work work = memory_bound_work({}, out, 0);
  work.bytes *= 2;
  return work;
}
Work work_select_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 0);
}

}  // namespace

ValueId select_token(Graph& graph, ValueId x, std::int64_t index, std::string name) {
  const ValueType& type = graph.value(x).type;
  check_rank(text(name_of(OpKind::select_token), " ", name), "x [N, T, D]", type, 3);
  const TokenAttrs attrs{.index = index, .tokens = type.shape[1]};
  return graph.output(graph.add_node(OpKind::select_token, attrs, {x}, std::move(name)));
}

namespace defs {

constinit const OpDef select_token{
    .kind = OpKind::select_token, .infer = infer_select, .gradient = gradient, .work = work_select};
constinit const OpDef select_token_grad{
    .kind = OpKind::select_token_grad, .infer = infer_select_grad, .work = work_select_grad};

}  // namespace defs
}  // namespace gyrus::graph
