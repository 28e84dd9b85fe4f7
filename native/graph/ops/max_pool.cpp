// Maximum over square windows of [N, H, W, C]. The position of each maximum in its window is kept as a byte; the
// gradient sends dy there and nowhere else.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

constexpr int kLargestKernel = 16;  // 16 x 16 positions are the most that a byte can number

// The output of an image [N, input_height, input_width, channels].
Shape output_shape(std::string_view op, const PoolAttrs& a, std::int64_t images, std::int64_t channels) {
  GYRUS_CHECK(a.kernel >= 1 && a.kernel <= kLargestKernel && a.stride >= 1, Code::invalid_argument, op,
              ": kernel must lie in [1, ", kLargestKernel, "] and stride be at least 1, got ", a.kernel, " and ",
              a.stride);
  GYRUS_CHECK(a.padding >= 0 && 2 * a.padding <= a.kernel, Code::invalid_argument, op,
              ": padding must lie in [0, kernel/2], so that no window is empty, got ", a.padding, " for kernel ",
              a.kernel);
  const std::int64_t free_height = a.input_height + 2 * a.padding - a.kernel;
  const std::int64_t free_width = a.input_width + 2 * a.padding - a.kernel;
  GYRUS_CHECK(a.input_height >= 1 && a.input_width >= 1 && free_height >= 0 && free_width >= 0, Code::shape, op,
              ": a window of ", a.kernel, " x ", a.kernel, " does not fit an image of ", a.input_height, " x ",
              a.input_width, " with padding ", a.padding, "; give a larger image");
  return {images, free_height / a.stride + 1, free_width / a.stride + 1, channels};
}

std::vector<ValueType> infer_max_pool(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::max_pool);
  const auto& a = attrs_as<PoolAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "x [N, H, W, C]", in[0], 4);
  check_float(op, "x", in[0]);
  const Shape& x = in[0].shape;
  check_shape(op, "x", in[0], {x[0], a.input_height, a.input_width, x[3]});
  const Shape y = output_shape(op, a, x[0], x[3]);
  return {{y, in[0].dtype}, {y, DType::u8}};
}

std::vector<ValueType> infer_max_pool_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::max_pool_grad);
  const auto& a = attrs_as<PoolAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_rank(op, "dy [N, OH, OW, C]", in[0], 4);
  check_float(op, "dy", in[0]);
  const Shape& dy = in[0].shape;
  check_shape(op, "dy", in[0], output_shape(op, a, dy[0], dy[3]));
  check_same(op, "index", in[1], {dy, DType::u8});
  return {{{dy[0], a.input_height, a.input_width, dy[3]}, in[0].dtype}};
}

void gradient(GradientScope& scope) {
  refuse_gradient(scope, 1, "the maximum's position");
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  const ValueId index = scope.node.outputs[1];
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::max_pool_grad, scope.node.attrs, {scope.grad_out[0], index}, "grad"));
}

// One comparison for each position of each window.
Work work_max_pool(const Attrs& attrs, std::span<const ValueType> in, std::span<const ValueType> out) {
  const auto& a = std::get<PoolAttrs>(attrs);
  Work work = memory_bound_work(in, out, 0);
  work.flops = static_cast<double>(out[0].shape.elements()) * a.kernel * a.kernel;
  return work;
}
Work work_max_pool_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  Work work = memory_bound_work(in, out, 0);
  work.flops = static_cast<double>(in[0].shape.elements());
  return work;
}

}  // namespace

ValueId max_pool(Graph& graph, ValueId x, int kernel, int stride, int padding, std::string name) {
  const ValueType& type = graph.value(x).type;
  check_rank(text(name_of(OpKind::max_pool), " ", name), "x [N, H, W, C]", type, 4);
  const PoolAttrs attrs{.kernel = kernel,
                        .stride = stride,
                        .padding = padding,
                        .input_height = type.shape[1],
                        .input_width = type.shape[2]};
  return graph.output(graph.add_node(OpKind::max_pool, attrs, {x}, std::move(name)));
}

namespace defs {

constinit const OpDef max_pool{
    .kind = OpKind::max_pool, .infer = infer_max_pool, .gradient = gradient, .work = work_max_pool};
constinit const OpDef max_pool_grad{
    .kind = OpKind::max_pool_grad, .infer = infer_max_pool_grad, .work = work_max_pool_grad};

}  // namespace defs
}  // namespace gyrus::graph
