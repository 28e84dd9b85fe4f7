// Mean cross entropy of softmax(logit_scale * logits) with hard labels and optional label smoothing s:
//   target_ik = (1 - s) [k = label_i] + s/K;   loss = loss_scale/N * sum_i -sum_k target_ik log p_ik;
//   dlogits_ik = dloss * loss_scale * logit_scale / N * (p_ik - target_ik).
// With excludes_self row i is a softmax over all classes but i, and p_ii = 0.
#include <cmath>
#include <optional>
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

void check_attrs(std::string_view op, const CrossEntropyAttrs& a) {
  GYRUS_CHECK(std::isfinite(a.logit_scale) && std::isfinite(a.loss_scale), Code::invalid_argument, op,
              ": logit_scale and loss_scale must be finite, got ", a.logit_scale, " and ", a.loss_scale);
  GYRUS_CHECK(a.label_smoothing >= 0 && a.label_smoothing <= 1, Code::invalid_argument, op,
              ": label_smoothing must lie in [0, 1], got ", a.label_smoothing);
}

// Labels are either the last input, or lie on a diagonal. `scores`: logits or probabilities [N, K].
void check_labels(std::string_view op, const CrossEntropyAttrs& a, const Shape& scores,
                  std::span<const ValueType> labels) {
  GYRUS_CHECK(!a.excludes_self || (a.labels_are_diagonal && scores[0] == scores[1] && a.label_smoothing == 0),
              Code::invalid_argument, op,
              ": only rows of as many classes, with labels on a diagonal and no smoothing, can ",
              "exclude themselves; got ", scores);
  if (a.excludes_self) {
    GYRUS_CHECK(a.diagonal_offset > 0 && a.diagonal_offset < scores[1], Code::shape, op, ": the labels i + ",
                a.diagonal_offset, " of ", scores[0], " rows must be others than the rows themselves");
    return;
  }
  if (!a.labels_are_diagonal) {
    check_shape(op, "labels [N]", labels[0], {scores[0]});
    check_dtype(op, "labels", labels[0], DType::i32);
    return;
  }
  GYRUS_CHECK(a.diagonal_offset >= 0 && a.diagonal_offset + scores[0] <= scores[1], Code::shape, op,
              ": the labels i + ", a.diagonal_offset, " of ", scores[0], " rows do not lie in the ", scores[1],
              " classes of ", scores);
}

std::vector<ValueType> infer_loss(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::softmax_cross_entropy);
  const auto& a = attrs_as<CrossEntropyAttrs>(op, attrs);
  check_attrs(op, a);
  const std::size_t count = a.labels_are_diagonal ? 1 : 2;
  check_input_count(op, in, count, count);
  check_rank(op, "logits [N, K]", in[0], 2);
  check_dtype(op, "logits", in[0], DType::f32);
  const Shape& logits = in[0].shape;
  GYRUS_CHECK(logits[0] >= 1 && logits[1] >= 1, Code::shape, op, ": logits ", logits, " are empty; a mean needs rows");
  check_labels(op, a, logits, in.subspan(1));
  return {{{1}, DType::f32}, in[0], {{1}, DType::f32}};
}

std::vector<ValueType> infer_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::softmax_cross_entropy_grad);
  const auto& a = attrs_as<CrossEntropyAttrs>(op, attrs);
  check_attrs(op, a);
  const std::size_t count = a.labels_are_diagonal ? 2 : 3;
  check_input_count(op, in, count, count);
  check_f32(op, "dloss", in[0], {1});
  check_rank(op, "probabilities [N, K]", in[1], 2);
  check_dtype(op, "probabilities", in[1], DType::f32);
  check_labels(op, a, in[1].shape, in.subspan(2));
  return {in[1]};
}

void gradient(GradientScope& scope) {
  refuse_gradient(scope, 1, "the table of probabilities");
  refuse_gradient(scope, 2, "the share of hits");
  if (!reached(scope, 0) || !scope.wanted[0]) return;
  std::vector<ValueId> inputs{scope.grad_out[0], scope.node.outputs[1]};
  if (scope.node.inputs.size() == 2) inputs.push_back(scope.node.inputs[1]);
  scope.grad_in[0] =
      scope.graph.output(scope.add(OpKind::softmax_cross_entropy_grad, scope.node.attrs, std::move(inputs), "grad"));
}

// Maximum, exponential (counted as one), sum, division.
Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 5);
}
Work work_grad(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out, 2);
}

// A row's loss and hit are known before its probabilities are written over its logits.
constexpr InplacePair kInplace[] = {{.input = 0, .output = 1}};
constexpr InplacePair kInplaceGrad[] = {{.input = 1, .output = 0}};

}  // namespace

ValueId softmax_cross_entropy(Graph& graph, ValueId logits, std::optional<ValueId> labels,
                              const CrossEntropyAttrs& attrs, std::string name) {
  GYRUS_CHECK(labels.has_value() != attrs.labels_are_diagonal, Code::invalid_argument, "softmax_cross_entropy ", name,
              ": give either a labels input or labels_are_diagonal; there is ", labels ? "both" : "neither");
  std::vector<ValueId> inputs{logits};
  if (labels) inputs.push_back(*labels);
  return graph.output(graph.add_node(OpKind::softmax_cross_entropy, attrs, std::move(inputs), std::move(name)));
}

namespace defs {

constinit const OpDef softmax_cross_entropy{.kind = OpKind::softmax_cross_entropy,
                                            .infer = infer_loss,
                                            .gradient = gradient,
                                            .work = work,
                                            .inplace = kInplace};
constinit const OpDef softmax_cross_entropy_grad{
    .kind = OpKind::softmax_cross_entropy_grad, .infer = infer_grad, .work = work_grad, .inplace = kInplaceGrad};

}  // namespace defs
}  // namespace gyrus::graph
