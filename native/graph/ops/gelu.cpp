// The exact GELU y = x Phi(x), Phi the normal distribution function; dy/dx = Phi(x) + x phi(x), phi its density.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer_gelu(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::gelu);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_float(op, "x", in[0]);
  return {in[0]};
}

std::vector<ValueType> infer_gelu_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::gelu_grad);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_float(op, "dy", in[0]);
  check_same(op, "x", in[1], in[0]);
  return {in[0]};
}

void gradient(GradientScope& scope) {
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  const ValueId x = scope.node.inputs[0];
  scope.grad_in[0] = scope.graph.output(scope.add(OpKind::gelu_grad, NoAttrs{}, {scope.grad_out[0], x}, "grad"));
}

// The error function by a polynomial of about ten terms and one exponential; the gradient adds the density.
Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 25);
}
Work work_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 30);
}

constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}};
constexpr InplacePair kInplaceGrad[] = {{.input = 0, .output = 0}, {.input = 1, .output = 0}};

}  // namespace

ValueId gelu(Graph& graph, ValueId x, std::string name) {
  return graph.output(graph.add_node(OpKind::gelu, NoAttrs{}, {x}, std::move(name)));
}

namespace defs {

constinit const OpDef gelu{
    .kind = OpKind::gelu, .infer = infer_gelu, .gradient = gradient, .work = work, .inplace = kInplace};
constinit const OpDef gelu_grad{
    .kind = OpKind::gelu_grad, .infer = infer_gelu_grad, .work = work_grad, .inplace = kInplaceGrad};

}  // namespace defs
}  // namespace gyrus::graph
