// Building a graph: every node is checked by its op's shape rule at the moment it is added.
#include "graph/graph.h"

#include <algorithm>

#include "core/error.h"
#include "graph/op_def.h"

namespace gyrus::graph {
namespace {

// "param/" + name, unless the name has that prefix already.
std::string with_prefix(Role role, std::string_view name) {
  const std::string prefix = text(name_of(role), "/");
  return name.starts_with(prefix) ? std::string(name) : text(prefix, name);
}

// The store keeps these in float arenas, whatever the compute dtype is.
bool lives_in_store(Role role) {
  return role == Role::parameter || role == Role::buffer || role == Role::ema || role == Role::gradient;
}

std::string join_types(const Graph& graph, std::span<const ValueId> ids) {
  std::string out;
  for (const ValueId id : ids) {
    const Value& value = graph.value(id);
    out += text(out.empty() ? "" : ", ", value.shape(), " ", name_of(value.dtype()));
  }
  return out;
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::input:
      return "input";
    case Role::parameter:
      return "param";
    case Role::buffer:
      return "buf";
    case Role::ema:
      return "ema";
    case Role::gradient:
      return "grad";
    case Role::activation:
      return "act";
  }
  return "?";
}

std::string_view name_of(OpKind kind) {
  switch (kind) {
#define GYRUS_OP_NAME(name) \
  case OpKind::name:        \
    return #name;
    GYRUS_OP_KINDS(GYRUS_OP_NAME)
#undef GYRUS_OP_NAME
  }
  return "?";
}

ValueId Graph::add_source(Role role, std::string name, ValueType type) {
  GYRUS_CHECK(role != Role::activation, Code::internal, "'", name,
              "' cannot be a source: activations come from nodes; give it another role");
  std::string full_name = with_prefix(role, name);
  GYRUS_CHECK(!find_source(role, full_name).is_valid(), Code::name, "the graph already has a source called '",
              full_name, "'; use find_source() to share it, or another name");
  GYRUS_CHECK(!lives_in_store(role) || type.dtype == DType::f32, Code::dtype, "'", full_name, "' lives in the ",
              "parameter store, so it must be f32, not ", name_of(type.dtype));
  values_.push_back({.type = type, .role = role, .name = std::move(full_name), .producer = {}});
  return {static_cast<std::int32_t>(values_.size()) - 1};
}

NodeId Graph::add_node(OpKind kind, Attrs attrs, std::vector<ValueId> inputs, std::string name) {
  std::vector<ValueType> in;
  in.reserve(inputs.size());
  for (const ValueId input : inputs) {
    GYRUS_CHECK(input.is_valid() && static_cast<std::size_t>(input.index) < values_.size(), Code::internal, "input ",
                in.size(), " of ", name_of(kind), " ", name, " is not a value of this graph");
    in.push_back(value(input).type);
  }
  std::vector<ValueType> out;
  try {
    out = op_def(kind).infer(attrs, in);
  } catch (const Error& error) {
    throw error.with_context(text("while adding ", name));
  }

  const NodeId id{static_cast<std::int32_t>(nodes_.size())};
  Node node{
      .kind = kind, .attrs = std::move(attrs), .inputs = std::move(inputs), .outputs = {}, .name = std::move(name)};
  for (std::size_t k = 0; k < out.size(); ++k) {
    node.outputs.push_back({static_cast<std::int32_t>(values_.size())});
    values_.push_back({.type = out[k],
                       .role = Role::activation,
                       .name = k == 0 ? text("act/", node.name) : text("act/", node.name, ":", k),
                       .producer = id,
                       .output_index = static_cast<int>(k)});
  }
  nodes_.push_back(std::move(node));
  return id;
}

ValueId Graph::find_source(Role role, std::string_view name) const {
  const std::string full_name = with_prefix(role, name);
  const auto found = std::find_if(values_.begin(), values_.end(), [&](const Value& candidate) {
    return !candidate.producer.is_valid() && candidate.role == role && candidate.name == full_name;
  });
  return found == values_.end() ? ValueId{} : ValueId{static_cast<std::int32_t>(found - values_.begin())};
}

void Graph::mark_gradient(ValueId id, std::string name) {
  GYRUS_ASSERT(id.is_valid() && static_cast<std::size_t>(id.index) < values_.size());
  Value& marked = values_[static_cast<std::size_t>(id.index)];
  std::string full_name = with_prefix(Role::gradient, name);
  GYRUS_CHECK(marked.role == Role::activation, Code::internal, "'", marked.name, "' cannot become '", full_name,
              "': only an activation can, and only once");
  GYRUS_CHECK(marked.dtype() == DType::f32, Code::dtype, "'", full_name, "' must be f32, not ", name_of(marked.dtype()),
              ": parameter gradients are summed in f32");
  for (const Value& other : values_) {
    if (other.role != Role::gradient || other.name != full_name) continue;
    GYRUS_CHECK(other.shape() == marked.shape(), Code::shape, "'", full_name, "' has the shape ", other.shape(),
                " already and cannot have ", marked.shape(), " as well");
  }
  marked.role = Role::gradient;
  marked.name = std::move(full_name);
}

void Graph::mark_output(ValueId id, std::string name) {
  GYRUS_ASSERT(id.is_valid() && static_cast<std::size_t>(id.index) < values_.size());
  const bool is_new =
      std::none_of(outputs_.begin(), outputs_.end(), [&](const Output& output) { return output.name == name; });
  GYRUS_CHECK(is_new, Code::name, "the graph already has an output called '", name, "'");
  outputs_.push_back({std::move(name), id});
}

std::string describe(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::string out = text(name_of(node.kind), " ", node.name, ": ", join_types(graph, node.inputs));
  if (!node.outputs.empty()) out += text(" -> ", join_types(graph, node.outputs));
  return out;
}

}  // namespace gyrus::graph
