// One node of a graph with the values that it reads and writes: what every maker of kernels looks at.
#pragma once

#include <cstddef>
#include <variant>

#include "core/error.h"
#include "graph/graph.h"

namespace gyrus::backend {

struct NodeView {
  const graph::Graph& graph;
  const graph::Node& node;

  std::size_t input_count() const { return node.inputs.size(); }
  std::size_t output_count() const { return node.outputs.size(); }

  const graph::Value& in(std::size_t i) const {
    GYRUS_ASSERT(i < node.inputs.size());
    return graph.value(node.inputs[i]);
  }
  const graph::Value& out(std::size_t i) const {
    GYRUS_ASSERT(i < node.outputs.size());
    return graph.value(node.outputs[i]);
  }
  const graph::ValueType& in_type(std::size_t i) const { return in(i).type; }
  const graph::ValueType& out_type(std::size_t i) const { return out(i).type; }
  const Shape& in_shape(std::size_t i) const { return in(i).type.shape; }
  const Shape& out_shape(std::size_t i) const { return out(i).type.shape; }

  // The node's attributes; Code::internal when it carries another kind's.
  template <class T>
  const T& attrs() const {
    const T* attrs = std::get_if<T>(&node.attrs);
    GYRUS_CHECK(attrs != nullptr, Code::internal, "node ", node.name, " (", graph::name_of(node.kind),
                ") carries the attributes of another kind of operation");
    return *attrs;
  }
};

}  // namespace gyrus::backend
