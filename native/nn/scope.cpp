#include "nn/scope.h"

#include "core/error.h"

namespace gyrus::nn {
namespace {

graph::ValueId find_or_add(graph::Graph& graph, graph::Role role, const std::string& name, const Shape& shape) {
  const graph::ValueId known = graph.find_source(role, name);
  if (!known.is_valid()) return graph.add_source(role, name, {shape, DType::f32});
  GYRUS_CHECK(graph.value(known).shape() == shape, Code::shape, "two layers share the name '", name,
              "' but not the shape: ", graph.value(known).shape(), " and ", shape, "; give one of them another prefix");
  return known;
}

}  // namespace

graph::ValueId Scope::parameter(const std::string& name, const Shape& shape, bool is_trainable) {
  const graph::Role role = is_trainable ? parameter_role : graph::Role::parameter;
  return find_or_add(graph, role, parameter_prefix + name, shape);
}

graph::ValueId Scope::buffer(const std::string& name, const Shape& shape) {
  return find_or_add(graph, graph::Role::buffer, buffer_prefix + name, shape);
}

}  // namespace gyrus::nn
