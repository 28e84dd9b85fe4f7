#include "passes/rewriter.h"

#include <algorithm>
#include <utility>

#include "graph/op_def.h"

namespace gyrus::passes {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::OpKind;
using graph::Value;
using graph::ValueId;

Rewriter::Rewriter(const Graph& old) : old_(old), map_(old.values().size()) {
  for (std::size_t i = 0; i < old.values().size(); ++i) {
    const Value& value = old.values()[i];
    if (!value.producer.is_valid()) map_[i] = new_.add_source(value.role, value.name, value.type);
  }
}

ValueId Rewriter::mapped(ValueId old_value) const {
  const ValueId result = map_[static_cast<std::size_t>(old_value.index)];
  GYRUS_ASSERT(result.is_valid());
  return result;
}

std::vector<ValueId> Rewriter::mapped(const std::vector<ValueId>& old_values) const {
  std::vector<ValueId> result;
  result.reserve(old_values.size());
  for (const ValueId value : old_values) result.push_back(mapped(value));
  return result;
}

void Rewriter::map(ValueId old_value, ValueId new_value) {
  map_[static_cast<std::size_t>(old_value.index)] = new_value;
  const Value& value = old_.value(old_value);
  if (value.role == graph::Role::gradient) new_.mark_gradient(new_value, value.name);
}

void Rewriter::copy(const Node& node) { copy_with(node, node.attrs); }

void Rewriter::copy_with(const Node& node, graph::Attrs attrs) {
  const NodeId added = new_.add_node(node.kind, std::move(attrs), mapped(node.inputs), node.name);
  for (std::size_t k = 0; k < node.outputs.size(); ++k) map(node.outputs[k], new_.output(added, static_cast<int>(k)));
}

NodeId Rewriter::add(OpKind kind, graph::Attrs attrs, std::vector<ValueId> new_inputs, std::string name) {
  return new_.add_node(kind, std::move(attrs), std::move(new_inputs), std::move(name));
}

Graph Rewriter::finish() {
  for (const Graph::Output& output : old_.outputs()) new_.mark_output(mapped(output.value), output.name);
  return std::move(new_);
}

Uses::Uses(const Graph& graph) : readers(graph.values().size()), is_kept(graph.values().size(), false) {
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    for (const ValueId input : graph.nodes()[n].inputs) {
      auto& list = readers[static_cast<std::size_t>(input.index)];
      const NodeId id{static_cast<std::int32_t>(n)};
      if (list.empty() || list.back() != id) list.push_back(id);
    }
  }
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    if (graph.values()[v].role == graph::Role::gradient) is_kept[v] = true;
  }
  for (const Graph::Output& output : graph.outputs()) is_kept[static_cast<std::size_t>(output.value.index)] = true;
}

NodeId Uses::only_reader(ValueId value) const {
  const auto v = static_cast<std::size_t>(value.index);
  return !is_kept[v] && readers[v].size() == 1 ? readers[v][0] : NodeId{};
}

bool is_optimizer(OpKind kind) {
  return kind == OpKind::sgd_update || kind == OpKind::adamw_update || kind == OpKind::lars_update;
}

bool is_mutating(const Node& node) {
  const auto mutated = graph::op_def(node.kind).mutated_inputs;
  return is_optimizer(node.kind) || node.kind == OpKind::gradient_accumulate || node.kind == OpKind::ema_update ||
         (mutated && !mutated(node.attrs).empty());
}

}  // namespace gyrus::passes
