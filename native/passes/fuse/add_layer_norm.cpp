// add -> layer_norm becomes one layer_norm with a residual: the sum, which the residual stream needs as well, is
// written while it is normalised. The fused node stands where the add stood, because others read the sum before the
// norm.
#include <algorithm>

#include "passes/fuse/patterns.h"

namespace gyrus::passes {

using graph::LayerNormAttrs;
using graph::Node;
using graph::NodeId;
using graph::OpKind;

std::optional<Fusion> match_add_layer_norm(const Graph& graph, const Uses& uses, NodeId id) {
  const Node& sum = graph.node(id);
  if (sum.kind != OpKind::add) return std::nullopt;
  const ValueId value = sum.outputs[0];
  for (const NodeId reader : uses.readers[static_cast<std::size_t>(value.index)]) {
    const Node& norm = graph.node(reader);
    if (norm.kind != OpKind::layer_norm || norm.inputs[0] != value) continue;
    auto attrs = std::get<LayerNormAttrs>(norm.attrs);
    if (attrs.has_residual) continue;
    // gamma and beta must exist already where the add stands: sources always do.
    const bool is_ready = std::all_of(norm.inputs.begin() + 1, norm.inputs.end(),
                                      [&](ValueId input) { return !graph.value(input).producer.is_valid(); });
    if (!is_ready) continue;
    attrs.has_residual = true;
    // The wider one of the two is the residual.
    ValueId x = sum.inputs[0], residual = sum.inputs[1];
    if (graph.value(residual).dtype() != graph.value(value).dtype()) std::swap(x, residual);
    std::vector<ValueId> inputs{x, norm.inputs[1], norm.inputs[2], residual};
    std::vector<ValueId> outputs = norm.outputs;
    outputs.push_back(value);
    return Fusion{OpKind::layer_norm, attrs, std::move(inputs), std::move(outputs), norm.name, {reader}};
  }
  return std::nullopt;
}

}  // namespace gyrus::passes
