// Orders nodes for a small peak of live memory. Every gradient is a goal; goals are taken in the order in which
// autodiff made them, and each pulls in the nodes it still needs, in their original order. With one backward pass per
// loss this gives: forward of view 1, its backward, forward of view 2, its backward: the activations of one view at a
// time.
#include <algorithm>
#include <vector>

#include "graph/op_def.h"
#include "passes/passes.h"
#include "passes/rewriter.h"

namespace gyrus::passes {
namespace {

using graph::Node;
using graph::NodeId;

// Nodes that touch a source which any of them changes keep their original order: each depends on the one before it.
void add_mutation_order(const Graph& graph, std::vector<std::vector<std::size_t>>& needs) {
  std::vector<bool> is_mutated(graph.values().size(), false);
  for (const Node& node : graph.nodes()) {
    const auto mutated = graph::op_def(node.kind).mutated_inputs;
    if (!mutated) continue;
    for (const int input : mutated(node.attrs)) {
      is_mutated[static_cast<std::size_t>(node.inputs[static_cast<std::size_t>(input)].index)] = true;
    }
  }
  std::vector<std::int64_t> last_toucher(graph.values().size(), -1);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    for (const ValueId input : graph.nodes()[n].inputs) {
      const auto v = static_cast<std::size_t>(input.index);
      if (!is_mutated[v]) continue;
      if (last_toucher[v] >= 0) needs[n].push_back(static_cast<std::size_t>(last_toucher[v]));
      last_toucher[v] = static_cast<std::int64_t>(n);
    }
  }
}

class Scheduler {
 public:
  explicit Scheduler(const Graph& graph) : needs_(graph.nodes().size()), state_(graph.nodes().size(), 0) {
    for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
      for (const ValueId input : graph.nodes()[n].inputs) {
        const NodeId producer = graph.value(input).producer;
        if (producer.is_valid()) needs_[n].push_back(static_cast<std::size_t>(producer.index));
      }
    }
    add_mutation_order(graph, needs_);
  }

  // All that `goal` still needs, and then itself, in original order (which is a topological one).
  void emit(std::size_t goal) {
    std::vector<std::size_t> pending{goal}, found;
    while (!pending.empty()) {
      const std::size_t n = pending.back();
      pending.pop_back();
      if (state_[n] != 0) continue;
      state_[n] = 1;
      found.push_back(n);
      pending.insert(pending.end(), needs_[n].begin(), needs_[n].end());
    }
    std::sort(found.begin(), found.end());
    order_.insert(order_.end(), found.begin(), found.end());
  }

  const std::vector<std::size_t>& order() const { return order_; }

 private:
  std::vector<std::vector<std::size_t>> needs_;
  std::vector<char> state_;
  std::vector<std::size_t> order_;
};

}  // namespace

Graph schedule(const Graph& graph) {
  Scheduler scheduler(graph);
  const auto nodes = graph.nodes();
  const auto emit_where = [&](auto&& condition) {
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      if (condition(nodes[n])) scheduler.emit(n);
    }
  };
  const auto gives_gradient = [&](const Node& node) {
    return std::any_of(node.outputs.begin(), node.outputs.end(),
                       [&](ValueId output) { return graph.value(output).role == graph::Role::gradient; });
  };
  emit_where([](const Node& node) { return node.kind == graph::OpKind::ema_update; });
  emit_where(gives_gradient);
  emit_where([](const Node& node) { return !is_optimizer(node.kind); });
  emit_where([](const Node&) { return true; });

  Rewriter rewriter(graph);
  for (const std::size_t n : scheduler.order()) rewriter.copy(nodes[n]);
  return rewriter.finish();
}

}  // namespace gyrus::passes
