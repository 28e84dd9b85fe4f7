// What a fusion pattern answers: the one node that stands for several. Each pattern is a file of its own; fuse.cpp
// applies them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {

struct Fusion {
  graph::OpKind kind{};
  graph::Attrs attrs;
  std::vector<ValueId> inputs;   // old values
  std::vector<ValueId> outputs;  // old values that the new node's outputs stand for; invalid: nothing reads it
  std::string name;
  std::vector<graph::NodeId> absorbed;  // the other nodes that vanish
};

// Each looks at the node `id` as the last one of its pattern.
std::optional<Fusion> match_batch_norm_relu(const Graph& graph, const Uses& uses, graph::NodeId id);
std::optional<Fusion> match_linear_gelu(const Graph& graph, const Uses& uses, graph::NodeId id);
// This one looks at the `add`, the first node of its pattern: the sum is read by others as well.
std::optional<Fusion> match_add_layer_norm(const Graph& graph, const Uses& uses, graph::NodeId id);
std::optional<Fusion> match_gradient_add(const Graph& graph, const Uses& uses, graph::NodeId id);

}  // namespace gyrus::passes
