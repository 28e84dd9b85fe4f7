// Batch normalisation with the running statistics, which stay as they are: an affine map a channel, and the fused forms
// y = relu(bn(x) + residual). Not differentiable: training uses batch_norm.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::batch_norm_inference);
  const auto& a = attrs_as<BatchNormAttrs>(op, attrs);
  GYRUS_CHECK(a.has_running && !a.has_addend, Code::internal, op,
              ": it needs the running statistics, and has_addend belongs to batch_norm_grad");
  const std::size_t count = 3 + (a.has_affine ? 2U : 0U) + (a.has_residual ? 1U : 0U);
  check_input_count(op, in, count, count);
  GYRUS_CHECK(in[0].shape.rank() >= 2, Code::shape, op, ": x [..., C] must have at least two axes, got ", in[0].shape);
  check_float(op, "x", in[0]);
  const Shape channels{in[0].shape.back()};
  std::size_t next = 1;
  if (a.has_affine) {
    check_f32(op, "gamma", in[next++], channels);
    check_f32(op, "beta", in[next++], channels);
  }
  check_f32(op, "running_mean", in[next++], channels);
  check_f32(op, "running_var", in[next++], channels);
  if (a.has_residual) check_same(op, "residual", in[next], in[0]);
  return {in[0]};
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 2);
}

constexpr InplacePair kInplace[] = {{.input = 0, .output = 0}};

}  // namespace

ValueId batch_norm_inference(Graph& graph, ValueId x, const BatchNormParameters& parameters, float eps,
                             std::string name) {
  GYRUS_CHECK(parameters.gamma.has_value() == parameters.beta.has_value(), Code::invalid_argument,
              "batch_norm_inference ", name, ": gamma and beta come together; one of them is missing");
  GYRUS_CHECK(parameters.running_mean && parameters.running_var, Code::invalid_argument, "batch_norm_inference ", name,
              ": running_mean and running_var are missing; without them only batch_norm is possible");
  std::vector<ValueId> inputs{x};
  for (const auto& parameter : {parameters.gamma, parameters.beta, parameters.running_mean, parameters.running_var}) {
    if (parameter) inputs.push_back(*parameter);
  }
  BatchNormAttrs attrs{.eps = eps};
  attrs.has_affine = parameters.gamma.has_value();
  return graph.output(graph.add_node(OpKind::batch_norm_inference, attrs, std::move(inputs), std::move(name)));
}

namespace defs {

constinit const OpDef batch_norm_inference{
    .kind = OpKind::batch_norm_inference, .infer = infer, .work = work, .inplace = kInplace};

}  // namespace defs
}  // namespace gyrus::graph
