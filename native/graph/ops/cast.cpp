// Changes of element type and layout at the graph's edges, and the constant that seeds a backward pass.
#include <cmath>
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

void check_target(std::string_view op, DType dtype) {
  GYRUS_CHECK(dtype == DType::f32 || dtype == DType::bf16, Code::dtype, op, " gives f32 or bf16, not ", name_of(dtype));
}

std::vector<ValueType> infer_to_channels_last(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::to_channels_last);
  const auto& a = attrs_as<CastAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "x [N, C, H, W]", in[0], 4);
  check_dtype(op, "x", in[0], DType::f32);
  check_target(op, a.dtype);
  const Shape& x = in[0].shape;
  return {{{x[0], x[2], x[3], x[1]}, a.dtype}};
}

std::vector<ValueType> infer_cast(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::cast);
  const auto& a = attrs_as<CastAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_float(op, "x", in[0]);
  check_target(op, a.dtype);
  return {{in[0].shape, a.dtype}};
}

std::vector<ValueType> infer_fill(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::fill);
  const auto& a = attrs_as<FillAttrs>(op, attrs);
  check_input_count(op, in, 0, 0);
  GYRUS_CHECK(std::isfinite(a.value), Code::invalid_argument, op, ": the value must be finite, got ", a.value);
  return {{{1}, DType::f32}};
}

// Rounding is treated as the identity.
void gradient_cast(GradientScope& scope) {
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  const CastAttrs back{scope.graph.value(scope.node.inputs[0]).dtype()};
  scope.grad_in[0] = scope.graph.output(scope.add(OpKind::cast, back, {scope.grad_out[0]}, "grad"));
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 0);
}

}  // namespace

ValueId to_channels_last(Graph& graph, ValueId x, DType dtype, std::string name) {
  return graph.output(graph.add_node(OpKind::to_channels_last, CastAttrs{dtype}, {x}, std::move(name)));
}

ValueId cast(Graph& graph, ValueId x, DType dtype, std::string name) {
  return graph.output(graph.add_node(OpKind::cast, CastAttrs{dtype}, {x}, std::move(name)));
}

ValueId fill(Graph& graph, float value, std::string name) {
  return graph.output(graph.add_node(OpKind::fill, FillAttrs{value}, {}, std::move(name)));
}

namespace defs {

constinit const OpDef to_channels_last{.kind = OpKind::to_channels_last, .infer = infer_to_channels_last, .work = work};
constinit const OpDef cast{.kind = OpKind::cast, .infer = infer_cast, .gradient = gradient_cast, .work = work};
constinit const OpDef fill{.kind = OpKind::fill, .infer = infer_fill, .work = work};

}  // namespace defs
}  // namespace gyrus::graph
