// The updates at the end (or, for the momentum encoder, at the start) of a training step. Their nodes have no outputs:
// each is one sweep over the store's arenas and stands in the graph for its place in the order. What they change is
// not (or, for ema_update, not only some) of their inputs, so mutated_inputs cannot list it: passes know updates by
// kind.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

template <class UpdateAttrs, OpKind kind>
std::vector<ValueType> infer(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(kind);
  attrs_as<UpdateAttrs>(op, attrs);
  GYRUS_CHECK(!in.empty(), Code::shape, op, " needs at least one input: there is nothing to update");
  for (const ValueType& type : in) check_dtype(op, "every input", type, DType::f32);
  return {};
}

// `sweeps`: how often the sweep reads or writes an array of the parameters' length.
Work sweep_work(std::span<const ValueType> in, double sweeps, double flops_per_element) {
  const Work once = memory_bound_work(in, {}, 0);
  return {.flops = once.bytes / static_cast<double>(size_of(DType::f32)) * flops_per_element,
          .bytes = once.bytes * sweeps};
}

// Reads gradient, parameter, momentum; writes the last two.
Work work_sgd(const Attrs&, std::span<const ValueType> in, std::span<const ValueType>) { return sweep_work(in, 5, 6); }
// Reads gradient, parameter, both moments; writes the last three.
Work work_adamw(const Attrs&, std::span<const ValueType> in, std::span<const ValueType>) {
  return sweep_work(in, 7, 15);
}
// As sgd, after a sweep over gradient and parameter for their norms.
Work work_lars(const Attrs&, std::span<const ValueType> in, std::span<const ValueType>) {
  return sweep_work(in, 7, 12);
}
// Reads gradient and accumulator; writes one of them.
Work work_accumulate(const Attrs&, std::span<const ValueType> in, std::span<const ValueType>) {
  return sweep_work(in, 3, 1);
}
// Reads copy and parameter; writes the copy.
Work work_ema(const Attrs&, std::span<const ValueType> in, std::span<const ValueType>) { return sweep_work(in, 3, 3); }

NodeId add_update(Graph& graph, OpKind kind, Attrs attrs, Role role, std::vector<ValueId> inputs) {
  for (const ValueId input : inputs) {
    const Value& value = graph.value(input);
    GYRUS_CHECK(value.role == role, Code::invalid_argument, name_of(kind), " takes values of role ", name_of(role),
                ", but ", value.name, " has the role ", name_of(value.role));
  }
  return graph.add_node(kind, std::move(attrs), std::move(inputs), std::string(name_of(kind)));
}

}  // namespace

NodeId gradient_accumulate(Graph& graph, std::vector<ValueId> gradients) {
  return add_update(graph, OpKind::gradient_accumulate, NoAttrs{}, Role::gradient, std::move(gradients));
}

NodeId sgd_update(Graph& graph, std::vector<ValueId> gradients, const SgdAttrs& attrs) {
  return add_update(graph, OpKind::sgd_update, attrs, Role::gradient, std::move(gradients));
}

NodeId adamw_update(Graph& graph, std::vector<ValueId> gradients, const AdamwAttrs& attrs) {
  return add_update(graph, OpKind::adamw_update, attrs, Role::gradient, std::move(gradients));
}

NodeId lars_update(Graph& graph, std::vector<ValueId> gradients, const LarsAttrs& attrs) {
  return add_update(graph, OpKind::lars_update, attrs, Role::gradient, std::move(gradients));
}

NodeId ema_update(Graph& graph, std::vector<ValueId> ema) {
  return add_update(graph, OpKind::ema_update, NoAttrs{}, Role::ema, std::move(ema));
}

namespace defs {

constinit const OpDef gradient_accumulate{
    .kind = OpKind::gradient_accumulate, .infer = infer<NoAttrs, OpKind::gradient_accumulate>, .work = work_accumulate};
constinit const OpDef sgd_update{
    .kind = OpKind::sgd_update, .infer = infer<SgdAttrs, OpKind::sgd_update>, .work = work_sgd};
constinit const OpDef adamw_update{
    .kind = OpKind::adamw_update, .infer = infer<AdamwAttrs, OpKind::adamw_update>, .work = work_adamw};
constinit const OpDef lars_update{
    .kind = OpKind::lars_update, .infer = infer<LarsAttrs, OpKind::lars_update>, .work = work_lars};
constinit const OpDef ema_update{
    .kind = OpKind::ema_update, .infer = infer<NoAttrs, OpKind::ema_update>, .work = work_ema};

}  // namespace defs
}  // namespace gyrus::graph
