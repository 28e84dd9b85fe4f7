// Convolution over images [N, H, W, C] with square stride and padding, and its two gradients. Both gradients are
// convolutions of the same size: dx correlates dy with the flipped weights, dw correlates x with dy.
#include <optional>
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

// Extents of the output; throws when the kernel does not fit the padded image.
struct Extents {
  std::int64_t height, width;
};
Extents output_extents(std::string_view op, const Conv2dAttrs& a) {
  GYRUS_CHECK(a.stride >= 1 && a.padding >= 0, Code::invalid_argument, op,
              ": stride must be at least 1 and padding at least 0, got ", a.stride, " and ", a.padding);
  const std::int64_t free_height = a.input_height + 2 * a.padding - a.kernel_height;
  const std::int64_t free_width = a.input_width + 2 * a.padding - a.kernel_width;
  GYRUS_CHECK(a.kernel_height >= 1 && a.kernel_width >= 1 && free_height >= 0 && free_width >= 0, Code::shape, op,
              ": a kernel of ", a.kernel_height, " x ", a.kernel_width, " does not fit an image of ", a.input_height,
              " x ", a.input_width, " with padding ", a.padding, "; give a larger image");
  return {free_height / a.stride + 1, free_width / a.stride + 1};
}

void check_image(std::string_view op, const ValueType& x, const Conv2dAttrs& a) {
  check_rank(op, "x [N, H, W, Ci]", x, 4);
  check_float(op, "x", x);
  check_shape(op, "x", x, {x.shape[0], a.input_height, a.input_width, x.shape[3]});
}

void check_weight(std::string_view op, const ValueType& w, const Conv2dAttrs& a) {
  check_rank(op, "w [Co, Ci, KH, KW]", w, 4);
  check_f32(op, "w", w, {w.shape[0], w.shape[1], a.kernel_height, a.kernel_width});
}

void check_output_gradient(std::string_view op, const ValueType& dy, const Conv2dAttrs& a) {
  const Extents y = output_extents(op, a);
  check_rank(op, "dy [N, OH, OW, Co]", dy, 4);
  check_float(op, "dy", dy);
  check_shape(op, "dy", dy, {dy.shape[0], y.height, y.width, dy.shape[3]});
}

std::vector<ValueType> infer_conv2d(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::conv2d);
  const auto& a = attrs_as<Conv2dAttrs>(op, attrs);
  check_input_count(op, in, 2, 3);
  check_image(op, in[0], a);
  check_weight(op, in[1], a);
  const Shape &x = in[0].shape, &w = in[1].shape;
  GYRUS_CHECK(x[3] == w[1], Code::shape, op, ": x ", x, " has ", x[3], " channels, but w ", w, " takes ", w[1]);
  if (in.size() == 3) check_f32(op, "bias [Co]", in[2], {w[0]});
  const Extents y = output_extents(op, a);
  return {{{x[0], y.height, y.width, w[0]}, in[0].dtype}};
}

std::vector<ValueType> infer_grad_input(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::conv2d_grad_input);
  const auto& a = attrs_as<Conv2dAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_output_gradient(op, in[0], a);
  check_weight(op, in[1], a);
  const Shape &dy = in[0].shape, &w = in[1].shape;
  GYRUS_CHECK(dy[3] == w[0], Code::shape, op, ": dy ", dy, " has ", dy[3], " channels, but w ", w, " gives ", w[0]);
  return {{{dy[0], a.input_height, a.input_width, w[1]}, in[0].dtype}};
}

std::vector<ValueType> infer_grad_weight(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::conv2d_grad_weight);
  const auto& a = attrs_as<Conv2dAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_image(op, in[0], a);
  check_output_gradient(op, in[1], a);
  check_dtype(op, "dy", in[1], in[0].dtype);
  const Shape &x = in[0].shape, &dy = in[1].shape;
  GYRUS_CHECK(x[0] == dy[0], Code::shape, op, ": x ", x, " and dy ", dy, " come from different batches");
  return {{{dy[3], x[3], a.kernel_height, a.kernel_width}, DType::f32}};
}

void gradient_conv2d(GradientScope& scope) {
  if (!reached(scope, 0)) return;
  const ValueId dy = scope.grad_out[0], x = scope.node.inputs[0], w = scope.node.inputs[1];
  const auto add = [&](OpKind kind, std::vector<ValueId> inputs, std::string_view what) {
    return scope.graph.output(scope.add(kind, scope.node.attrs, std::move(inputs), what));
  };
  if (scope.wanted[0]) scope.grad_in[0] = add(OpKind::conv2d_grad_input, {dy, w}, "grad_input");
  if (scope.wanted[1]) scope.grad_in[1] = add(OpKind::conv2d_grad_weight, {x, dy}, "grad_weight");
  if (scope.node.inputs.size() == 3 && scope.wanted[2]) {
    scope.grad_in[2] = scope.graph.output(scope.add(OpKind::sum_rows, NoAttrs{}, {dy}, "grad_bias"));
  }
}

// Each output element is a dot product over the window and the input channels. `dy_or_y` [N, OH, OW, Co].
Work convolution_work(const Shape& dy_or_y, std::int64_t input_channels, const Conv2dAttrs& a,
                      std::span<const ValueType> in, std::span<const ValueType> out) {
  Work work = memory_bound_work(in, out, 0);
  work.flops = 2.0 * static_cast<double>(dy_or_y.elements()) *
               static_cast<double>(input_channels * a.kernel_height * a.kernel_width);
  return work;
}

Work work_conv2d(const Attrs& attrs, std::span<const ValueType> in, std::span<const ValueType> out) {
  return convolution_work(out[0].shape, in[0].shape[3], std::get<Conv2dAttrs>(attrs), in, out);
}
Work work_grad_input(const Attrs& attrs, std::span<const ValueType> in, std::span<const ValueType> out) {
  return convolution_work(in[0].shape, out[0].shape[3], std::get<Conv2dAttrs>(attrs), in, out);
}
Work work_grad_weight(const Attrs& attrs, std::span<const ValueType> in, std::span<const ValueType> out) {
  return convolution_work(in[1].shape, in[0].shape[3], std::get<Conv2dAttrs>(attrs), in, out);
}

}  // namespace

ValueId conv2d(Graph& graph, ValueId x, ValueId w, std::optional<ValueId> bias, int stride, int padding,
               std::string name) {
  const std::string op = text(name_of(OpKind::conv2d), " ", name);
  const ValueType &x_type = graph.value(x).type, &w_type = graph.value(w).type;
  check_rank(op, "x [N, H, W, Ci]", x_type, 4);
  check_rank(op, "w [Co, Ci, KH, KW]", w_type, 4);
  const Conv2dAttrs attrs{.stride = stride,
                          .padding = padding,
                          .input_height = x_type.shape[1],
                          .input_width = x_type.shape[2],
                          .kernel_height = w_type.shape[2],
                          .kernel_width = w_type.shape[3]};
  std::vector<ValueId> inputs{x, w};
  if (bias) inputs.push_back(*bias);
  return graph.output(graph.add_node(OpKind::conv2d, attrs, std::move(inputs), std::move(name)));
}

namespace defs {

constinit const OpDef conv2d{
    .kind = OpKind::conv2d, .infer = infer_conv2d, .gradient = gradient_conv2d, .work = work_conv2d};
constinit const OpDef conv2d_grad_input{
    .kind = OpKind::conv2d_grad_input, .infer = infer_grad_input, .work = work_grad_input};
constinit const OpDef conv2d_grad_weight{
    .kind = OpKind::conv2d_grad_weight, .infer = infer_grad_weight, .work = work_grad_weight};

}  // namespace defs
}  // namespace gyrus::graph
