// Sum of two values of one shape: residual connections, and what autodiff adds where gradients meet. It is f32 as soon
// as one of them is: a residual stream keeps its precision when branches of the compute dtype join it.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::add);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_float(op, "a", in[0]);
  check_float(op, "b", in[1]);
  check_shape(op, "b", in[1], in[0].shape);
  return {{in[0].shape, wider(in[0].dtype, in[1].dtype)}};
}

// d(a + b) = da + db: the gradient passes through unchanged, but for its dtype no node is needed.
void gradient(GradientScope& scope) {
  if (!reached(scope, 0)) return;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!scope.wanted[i]) continue;
    scope.grad_in[i] = gradient_as(scope, scope.grad_out[0], scope.graph.value(scope.node.inputs[i]).dtype());
  }
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out);
}

constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}, {.input = 1, .output = 0}};

}  // namespace

ValueId add(Graph& graph, ValueId a, ValueId b, std::string name) {
  return graph.output(graph.add_node(OpKind::add, NoAttrs{}, {a, b}, std::move(name)));
}

namespace defs {

constinit const OpDef add{.kind = OpKind::add, .infer = infer, .gradient = gradient, .work = work, .inplace = kInplace};

}  // namespace defs
}  // namespace gyrus::graph
