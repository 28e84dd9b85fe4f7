// A static graph: values (symbolic tensors) and nodes (operations), both append-only, in single assignment form.
// Logical layouts are fixed: images [N, H, W, C], tokens [N, T, D], convolution weights [Co, Ci, KH, KW],
// linear weights [out, in]. Physical layouts are the backend's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/shape.h"
#include "graph/attrs.h"
#include "graph/op_kind.h"

namespace gyrus::graph {

// Distinct integer types, so that a node's number can never be used as a value's.
template <class Tag>
struct StrongId {
  std::int32_t index = -1;
  bool is_valid() const { return index >= 0; }
  auto operator<=>(const StrongId&) const = default;
};
using ValueId = StrongId<struct ValueTag>;
using NodeId = StrongId<struct NodeTag>;

// Where a value comes from and who may change it.
//   input      given by the caller at every run
//   parameter  lives in the ParameterStore, changed by the optimizer; f32 always ("master")
//   buffer     lives in the ParameterStore, changed by the op that lists it (batch_norm's running statistics)
//   ema        the momentum encoder's copy of a parameter, changed by ema_update
//   gradient   an activation that must also land in the store's gradient arena
//   activation lives in the planned arena
enum class Role : std::uint8_t { input, parameter, buffer, ema, gradient, activation };
// "input", "param", "buf", "ema", "grad", "act": also the prefix of its values' names.
std::string_view name_of(Role role);

struct ValueType {
  Shape shape;
  DType dtype = DType::f32;
  bool operator==(const ValueType&) const = default;
};

struct Value {
  ValueType type;
  Role role = Role::activation;
  std::string name;      // "param/layer1.0.conv1.weight", "act/view1/layer1.0.relu1", "grad/…"
  NodeId producer;       // invalid for input, parameter, buffer, ema
  int output_index = 0;  // which of the producer's outputs
  const Shape& shape() const { return type.shape; }
  DType dtype() const { return type.dtype; }
  // The name without its role's prefix: what the ParameterStore knows it by.
  std::string_view bare_name() const { return std::string_view(name).substr(name.find('/') + 1); }
};

struct Node {
  OpKind kind{};
  Attrs attrs;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::string name;  // of its first output, without the role prefix; what errors and profiles show
};

class Graph {
 public:
  // Adds a value that no node produces. Names of one role must differ; throws Code::name otherwise. Here and below a
  // name is understood with and without its role's prefix ("param/fc.weight" and "fc.weight").
  ValueId add_source(Role role, std::string name, ValueType type);
  // Adds a node; its outputs' types come from the op's infer(), which throws Code::shape or Code::dtype.
  // Outputs are called "act/<name>" and "act/<name>:<k>".
  NodeId add_node(OpKind kind, Attrs attrs, std::vector<ValueId> inputs, std::string name);

  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id.index)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id.index)]; }
  ValueId output(NodeId id, int index = 0) const { return node(id).outputs[static_cast<std::size_t>(index)]; }
  std::span<const Value> values() const { return values_; }
  std::span<const Node> nodes() const { return nodes_; }
  // The source of that role and name, or an invalid id.
  ValueId find_source(Role role, std::string_view name) const;

  // Marks an activation as the gradient of a parameter: it must land in the store's gradient arena.
  // Several values may carry one name: they share the place, so that a later sum replaces an earlier summand in it.
  void mark_gradient(ValueId id, std::string name);
  // Values that must survive to the end of a run, under the names by which callers read them ("loss", "features").
  void mark_output(ValueId id, std::string name);
  struct Output {
    std::string name;
    ValueId value;
  };
  std::span<const Output> outputs() const { return outputs_; }

 private:
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<Output> outputs_;
};

// "conv2d view1/layer1.0.conv1: [16, 56, 56, 64] bf16, …": for messages.
std::string describe(const Graph& graph, NodeId id);

}  // namespace gyrus::graph
