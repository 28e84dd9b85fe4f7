// Cross entropy with a target of its own for every class of every row: class weights, smoothed labels and mixtures of
// labels are all of this form. With p = softmax(z), row by row, and T_i = sum_k t_ik:
//   loss = -sum_ik t_ik log p_ik = sum_i (T_i log sum_k exp(z_ik) - sum_k t_ik z_ik);   dz_ik = dloss (T_i p_ik -
//   t_ik).
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer_loss(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::soft_cross_entropy);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 2, 2);
  check_rank(op, "logits [N, K]", in[0], 2);
  check_dtype(op, "logits", in[0], DType::f32);
  const Shape& logits = in[0].shape;
  GYRUS_CHECK(logits[0] >= 1 && logits[1] >= 1, Code::shape, op, ": logits ", logits, " are empty");
  check_f32(op, "targets [N, K]", in[1], logits);
  return {{{1}, DType::f32}, in[0]};
}

std::vector<ValueType> infer_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::soft_cross_entropy_grad);
  attrs_as<NoAttrs>(op, attrs);
  check_input_count(op, in, 3, 3);
  check_f32(op, "dloss", in[0], {1});
  check_rank(op, "probabilities [N, K]", in[1], 2);
  check_dtype(op, "probabilities", in[1], DType::f32);
  check_f32(op, "targets [N, K]", in[2], in[1].shape);
  return {in[1]};
}

void gradient(GradientScope& scope) {
  refuse_gradient(scope, 1, "the table of probabilities");
  GYRUS_CHECK(!scope.wanted[1], Code::not_differentiable, "soft_cross_entropy ", scope.node.name,
              ": the targets have no gradient");
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  std::vector<ValueId> inputs{scope.grad_out[0], scope.node.outputs[1], scope.node.inputs[1]};
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::soft_cross_entropy_grad, NoAttrs{}, std::move(inputs), "grad"));
}

// Maximum, exponential (counted as one), sum, division; product and sum of the targets.
Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 6);
}
Work work_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 4);
}

// A row's loss is known before its probabilities are written over its logits, and T_i before dlogits over them.
constexpr InplacePair kInplace[] = {{.input = 0, .output = 1}};
constexpr InplacePair kInplaceGrad[] = {{.input = 1, .output = 0}};

}  // namespace

ValueId soft_cross_entropy(Graph& graph, ValueId logits, ValueId targets, std::string name) {
  return graph.output(graph.add_node(OpKind::soft_cross_entropy, NoAttrs{}, {logits, targets}, std::move(name)));
}

namespace defs {

constinit const OpDef soft_cross_entropy{
    .kind = OpKind::soft_cross_entropy, .infer = infer_loss, .gradient = gradient, .work = work, .inplace = kInplace};
constinit const OpDef soft_cross_entropy_grad{
    .kind = OpKind::soft_cross_entropy_grad, .infer = infer_grad, .work = work_grad, .inplace = kInplaceGrad};

}  // namespace defs
}  // namespace gyrus::graph
