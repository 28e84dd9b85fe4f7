// Mean over the image's positions: [N, H, W, C] -> [N, C]. Each position gets dy / (H W) back.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

// Of PoolAttrs only the extents of the image count here: the window is the whole image.
void check_extents(std::string_view op, const PoolAttrs& a) {
  GYRUS_CHECK(a.input_height >= 1 && a.input_width >= 1, Code::shape, op, ": an image of ", a.input_height, " x ",
              a.input_width, " has no mean");
}

std::vector<ValueType> infer_pool(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::global_avg_pool);
  const auto& a = attrs_as<PoolAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "x [N, H, W, C]", in[0], 4);
  check_float(op, "x", in[0]);
  check_extents(op, a);
  const Shape& x = in[0].shape;
  check_shape(op, "x", in[0], {x[0], a.input_height, a.input_width, x[3]});
  return {{{x[0], x[3]}, in[0].dtype}};
}

std::vector<ValueType> infer_pool_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::global_avg_pool_grad);
  const auto& a = attrs_as<PoolAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "dy [N, C]", in[0], 2);
  check_float(op, "dy", in[0]);
  check_extents(op, a);
  const Shape& dy = in[0].shape;
  return {{{dy[0], a.input_height, a.input_width, dy[1]}, in[0].dtype}};
}

void gradient(GradientScope& scope) {
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::global_avg_pool_grad, scope.node.attrs, {scope.grad_out[0]}, "grad"));
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out);
}

}  // namespace

ValueId global_avg_pool(Graph& graph, ValueId x, std::string name) {
  const ValueType& type = graph.value(x).type;
  check_rank(text(name_of(OpKind::global_avg_pool), " ", name), "x [N, H, W, C]", type, 4);
  const PoolAttrs attrs{
      .kernel = 0, .stride = 0, .padding = 0, .input_height = type.shape[1], .input_width = type.shape[2]};
  return graph.output(graph.add_node(OpKind::global_avg_pool, attrs, {x}, std::move(name)));
}

namespace defs {

constinit const OpDef global_avg_pool{
    .kind = OpKind::global_avg_pool, .infer = infer_pool, .gradient = gradient, .work = work};
constinit const OpDef global_avg_pool_grad{
    .kind = OpKind::global_avg_pool_grad, .infer = infer_pool_grad, .work = work};

}  // namespace defs
}  // namespace gyrus::graph
