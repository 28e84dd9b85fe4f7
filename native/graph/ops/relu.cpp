// y = max(x, 0). The gradient needs only the output: dx = dy where y > 0.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer_relu(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::relu);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_float(op, "x", in[0]);
  return {in[0]};
}

std::vector<ValueType> infer_relu_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::relu_grad);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_float(op, "dy", in[0]);
  check_same(op, "y", in[1], in[0]);
  return {in[0]};
}

void gradient(GradientScope& scope) {
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  const ValueId y = scope.node.outputs[0];
  scope.grad_in[0] = scope.graph.output(scope.add(OpKind::relu_grad, NoAttrs{}, {scope.grad_out[0], y}, "grad"));
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out);
}

constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}};
constexpr InplacePair kInplaceGrad[] = {{.input = 0, .output = 0}, {.input = 1, .output = 0}};

}  // namespace

ValueId relu(Graph& graph, ValueId x, std::string name) {
  return graph.output(graph.add_node(OpKind::relu, NoAttrs{}, {x}, std::move(name)));
}

namespace defs {

constinit const OpDef relu{
    .kind = OpKind::relu, .infer = infer_relu, .gradient = gradient, .work = work, .inplace = kInplace};
constinit const OpDef relu_grad{
    .kind = OpKind::relu_grad, .infer = infer_relu_grad, .work = work, .inplace = kInplaceGrad};

}  // namespace defs
}  // namespace gyrus::graph
