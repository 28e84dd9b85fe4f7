// Shared by the passes that rebuild a graph: copies nodes one by one while mapping old values to new ones.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace gyrus::passes {

class Rewriter {
 public:
  // Copies all sources of `old`, in order, so that input numbering stays.
  explicit Rewriter(const graph::Graph& old);

  graph::ValueId mapped(graph::ValueId old_value) const;
  std::vector<graph::ValueId> mapped(const std::vector<graph::ValueId>& old_values) const;
  void map(graph::ValueId old_value, graph::ValueId new_value);
  // Adds `node` of the old graph with mapped inputs and maps its outputs.
  void copy(const graph::Node& node);
  void copy_with(const graph::Node& node, graph::Attrs attrs);
  graph::NodeId add(graph::OpKind kind, graph::Attrs attrs, std::vector<graph::ValueId> new_inputs, std::string name);
  const graph::Graph& graph() const { return new_; }
  // Marks outputs as the old graph had them and hands the new graph over.
  graph::Graph finish();

 private:
  const graph::Graph& old_;
  graph::Graph new_;
  std::vector<graph::ValueId> map_;
};

// For every value: the nodes that read it, in order of nodes; `is_kept` values are outputs or gradients.
struct Uses {
  explicit Uses(const graph::Graph& graph);
  std::vector<std::vector<graph::NodeId>> readers;
  std::vector<bool> is_kept;
  // The one node that reads this value, or an invalid id when there are none, several, or it is kept besides.
  graph::NodeId only_reader(graph::ValueId value) const;
};

// True for nodes that change a source or an arena in place: they are never dropped, merged or moved past each other.
bool is_mutating(const graph::Node& node);
bool is_optimizer(graph::OpKind kind);

}  // namespace gyrus::passes
