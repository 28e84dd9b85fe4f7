// Multi-head self-attention over packed [N, T, 3D] = [Q | K | V]: P = softmax(Q K^T / sqrt(D/heads)), y = P V. With
// dP = dy V^T and dS = P (dP - rowsum(P dP)):   dV = P^T dy;   dQ = dS K / sqrt(D/heads);   dK = dS^T Q /
// sqrt(D/heads).
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

// Checks qkv and returns the shape of y, [N, T, D].
Shape check_qkv(std::string_view op, const AttentionAttrs& a, const ValueType& qkv) {
  check_rank(op, "qkv [N, T, 3D]", qkv, 3);
  check_float(op, "qkv", qkv);
  GYRUS_CHECK(qkv.shape[1] >= 1 && qkv.shape[2] >= 3 && qkv.shape[2] % 3 == 0, Code::shape, op,
              ": qkv must hold at least one token and three parts of one width, got ", qkv.shape);
  const std::int64_t width = qkv.shape[2] / 3;
  GYRUS_CHECK(a.heads >= 1 && width % a.heads == 0, Code::shape, op, ": the width ", width, " of qkv ", qkv.shape,
              " cannot be split among ", a.heads, " heads; choose a divisor");
  return qkv.shape.with_back(width);
}

Shape probabilities_shape(const AttentionAttrs& a, const Shape& y) { return {y[0], a.heads, y[1], y[1]}; }

std::vector<ValueType> infer_attention(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::attention);
  const auto& a = attrs_as<AttentionAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  const Shape y = check_qkv(op, a, in[0]);
  return {{y, in[0].dtype}, {probabilities_shape(a, y), in[0].dtype}};
}

std::vector<ValueType> infer_attention_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::attention_grad);
  const auto& a = attrs_as<AttentionAttrs>(op, attrs);
  check_input_count(op, in, 3, 3);
  const Shape y = check_qkv(op, a, in[1]);
  check_same(op, "dy [N, T, D]", in[0], {y, in[1].dtype});
  check_same(op, "probabilities [N, heads, T, T]", in[2], {probabilities_shape(a, y), in[1].dtype});
  return {in[1]};
}

void gradient(GradientScope& scope) {
  refuse_gradient(scope, 1, "the table of probabilities");
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::attention_grad, scope.node.attrs,
                                   {scope.grad_out[0], scope.node.inputs[0], scope.node.outputs[1]}, "grad"));
}

// A product costs 2 N T T D; the softmax, a few percent of that, is left out.
double product_flops(const Shape& y) { return 2.0 * static_cast<double>(y.elements()) * static_cast<double>(y[1]); }

Work work_attention(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  Work work = memory_bound_work(in, out, 0);
  work.flops = 2 * product_flops(out[0].shape);  // Q K^T and P V
  return work;
}
Work work_attention_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  Work work = memory_bound_work(in, out, 0);
  work.flops = 4 * product_flops(in[0].shape);  // dV, dP, dQ, dK
  return work;
}

}  // namespace

ValueId attention(Graph& graph, ValueId qkv, int heads, std::string name) {
  return graph.output(graph.add_node(OpKind::attention, AttentionAttrs{heads}, {qkv}, std::move(name)));
}

namespace defs {

constinit const OpDef attention{
    .kind = OpKind::attention, .infer = infer_attention, .gradient = gradient, .work = work_attention};
constinit const OpDef attention_grad{
    .kind = OpKind::attention_grad, .infer = infer_attention_grad, .work = work_attention_grad};

}  // namespace defs
}  // namespace gyrus::graph
