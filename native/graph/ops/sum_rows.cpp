// Sums [..., C] over all axes but the last, into f32: the gradient of a bias.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::sum_rows);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_float(op, "x [..., C]", in[0]);
  GYRUS_CHECK(in[0].shape.rank() >= 1, Code::shape, op, ": x must have at least one axis, got ", in[0].shape);
  return {{{in[0].shape.back()}, DType::f32}};
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out);
}

}  // namespace

ValueId sum_rows(Graph& graph, ValueId x, std::string name) {
  return graph.output(graph.add_node(OpKind::sum_rows, NoAttrs{}, {x}, std::move(name)));
}

namespace defs {

constinit const OpDef sum_rows{.kind = OpKind::sum_rows, .infer = infer, .work = work};

}  // namespace defs
}  // namespace gyrus::graph
