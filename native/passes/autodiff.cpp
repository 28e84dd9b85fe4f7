// Reverse-mode differentiation as a graph pass: walks the nodes backwards and asks each op's gradient rule for nodes.
// Parameter gradients of several targets meet in the gradient arena: the first target writes there, the later ones add.
#include <array>
#include <map>

#include "graph/op_def.h"
#include "graph/ops.h"
#include "passes/passes.h"

namespace gyrus::passes {
namespace {

using graph::Node;
using graph::NodeId;
using graph::Role;

constexpr std::size_t kMaxInputs = 16;

class Differentiator {
 public:
  Differentiator(Graph& graph, std::span<const std::string> parameters, std::span<const std::string> inputs)
      : graph_(graph), parameters_(find(Role::parameter, parameters)), inputs_(find(Role::input, inputs)) {
    forward_count_ = graph.nodes().size();
    mark_dependents();
  }

  void run(const Target& target) {
    gradients_.clear();
    contribute(target.value, seed_of(target));
    for (std::size_t n = forward_count_; n-- > 0;) visit(NodeId{static_cast<std::int32_t>(n)});
    for (const ValueId parameter : parameters_) collect(parameter);
    for (const ValueId input : inputs_) collect_input(input);
  }

  void finish() {
    for (const ValueId parameter : parameters_) {
      GYRUS_CHECK(totals_.contains(parameter), Code::not_differentiable, "no loss depends on '",
                  graph_.value(parameter).name, "', so it has no gradient; mark it as frozen");
    }
    for (const ValueId input : inputs_) {
      const graph::Value& value = graph_.value(input);
      GYRUS_CHECK(totals_.contains(input), Code::not_differentiable, "no loss depends on '", value.name,
                  "', so it has no gradient");
      graph_.mark_output(totals_.at(input), text(value.bare_name(), ".grad"));
    }
  }

 private:
  std::vector<ValueId> find(Role role, std::span<const std::string> names) const {
    std::vector<ValueId> found;
    for (const std::string& name : names) {
      found.push_back(graph_.find_source(role, name));
      GYRUS_CHECK(found.back().is_valid(), Code::not_differentiable, "the graph does not use the ",
                  role == Role::input ? "input" : "parameter", " '", name, "', so it has no gradient");
    }
    return found;
  }

  // Which values depend on a wanted source: only these need gradients. Stop-gradient is a matter of roles: the
  // momentum encoder's copies are no parameters, so nothing flows into the keys.
  void mark_dependents() {
    depends_.assign(graph_.values().size(), false);
    for (const ValueId parameter : parameters_) depends_[static_cast<std::size_t>(parameter.index)] = true;
    for (const ValueId input : inputs_) depends_[static_cast<std::size_t>(input.index)] = true;
    for (const Node& node : graph_.nodes()) {
      bool any = false;
      for (const ValueId input : node.inputs) any = any || depends_[static_cast<std::size_t>(input.index)];
      for (const ValueId output : node.outputs) depends_[static_cast<std::size_t>(output.index)] = any;
    }
  }

  ValueId seed_of(const Target& target) {
    const graph::Value& value = graph_.value(target.value);
    if (target.seed) {
      GYRUS_CHECK(graph_.value(*target.seed).shape() == value.shape(), Code::shape, "the seed of ", value.name,
                  " has the shape ", graph_.value(*target.seed).shape(), ", not ", value.shape());
      return *target.seed;
    }
    GYRUS_CHECK(value.shape() == Shape{1}, Code::shape,
                "only a value of shape [1] can be differentiated without a seed; ", value.name, " has ", value.shape());
    return graph::fill(graph_, 1.0F, text("grad/", value.name, "/one"));
  }

  void contribute(ValueId value, ValueId gradient) {
    const auto found = gradients_.find(value);
    uses_of_gradient_[gradient] += 1;
    if (found == gradients_.end()) {
      gradients_.emplace(value, gradient);
    } else {
      found->second = graph::add(graph_, found->second, gradient, text("grad/", graph_.value(value).name, "/sum"));
      uses_of_gradient_[found->second] += 1;
    }
  }

  void visit(NodeId id) {
    const Node node = graph_.node(id);  // a copy: rules append to the graph
    std::vector<ValueId> grad_out;
    bool any = false;
    for (const ValueId output : node.outputs) {
      const auto found = gradients_.find(output);
      grad_out.push_back(found == gradients_.end() ? ValueId{} : found->second);
      any = any || grad_out.back().is_valid();
    }
    if (!any) return;
    std::array<bool, kMaxInputs> wanted{};
    GYRUS_ASSERT(node.inputs.size() <= kMaxInputs);
    bool any_wanted = false;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      wanted[i] = depends_[static_cast<std::size_t>(node.inputs[i].index)];
      any_wanted = any_wanted || wanted[i];
    }
    if (!any_wanted) return;
    const graph::OpDef& def = graph::op_def(node.kind);
    GYRUS_CHECK(def.gradient != nullptr, Code::not_differentiable, "the operation ", name_of(node.kind), " (",
                node.name, ") has no gradient, but a trained parameter lies before it");
    std::vector<ValueId> grad_in(node.inputs.size());
    graph::GradientScope scope{graph_, node, grad_out, grad_in, std::span(wanted.data(), node.inputs.size())};
    def.gradient(scope);
    for (std::size_t i = 0; i < grad_in.size(); ++i) {
      if (wanted[i] && grad_in[i].is_valid()) contribute(node.inputs[i], grad_in[i]);
    }
  }

  void collect(ValueId parameter) {
    const auto found = gradients_.find(parameter);
    if (found == gradients_.end()) return;
    const std::string name(graph_.value(parameter).bare_name());
    ValueId gradient = found->second;
    const auto total = totals_.find(parameter);
    if (total != totals_.end()) {
      gradient = graph::add(graph_, total->second, gradient, text("grad/", name, "/total"));
    } else if (graph_.value(gradient).role != Role::activation || !graph_.value(gradient).producer.is_valid() ||
               uses_of_gradient_[gradient] > 1) {
      // The same value is the gradient of something else too: the arena needs a copy of its own.
      gradient = graph::cast(graph_, gradient, graph_.value(gradient).dtype(), text("grad/", name, "/copy"));
    }
    graph_.mark_gradient(gradient, name);
    totals_[parameter] = gradient;
  }

  void collect_input(ValueId input) {
    const auto found = gradients_.find(input);
    if (found == gradients_.end()) return;
    const auto total = totals_.find(input);
    totals_[input] = total == totals_.end() ? found->second
                                            : graph::add(graph_, total->second, found->second,
                                                         text("grad/", graph_.value(input).bare_name(), "/total"));
  }

  Graph& graph_;
  std::vector<ValueId> parameters_, inputs_;
  std::size_t forward_count_ = 0;
  std::vector<bool> depends_;
  std::map<ValueId, ValueId> gradients_;  // of the current target
  std::map<ValueId, ValueId> totals_;     // of the wanted sources, over the targets so far
  std::map<ValueId, int> uses_of_gradient_;
};

}  // namespace

Graph autodiff(const Graph& graph, std::span<const Target> targets, std::span<const std::string> parameters,
               std::span<const std::string> inputs) {
  Graph result = graph;
  Differentiator differentiator(result, parameters, inputs);
  for (const Target& target : targets) differentiator.run(target);
  differentiator.finish();
  return result;
}

}  // namespace gyrus::passes
