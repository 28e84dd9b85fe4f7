// Packed weights: which uses share one block, and which get a block of their own.
#include "backend/lowering.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "graph/ops.h"
#include "passes/passes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using graph::Graph;
using graph::OpKind;
using graph::Role;
using graph::ValueId;

constexpr std::int64_t kRows = 6, kWidth = 16;
constexpr const char* kWeight = "fc.weight";

class IdleKernel final : public backend::Kernel {
 public:
  void bind(const backend::KernelArgs& /*args*/) override {}
  void run() override {}
};

// Every linear wants its weight packed in one format.
backend::LoweredKernel make_idle(const Graph& graph, const graph::Node& node) {
  backend::LoweredKernel made{std::make_unique<IdleKernel>(), {}};
  if (node.kind == OpKind::linear) {
    const std::int64_t bytes = graph.value(node.inputs[1]).shape().elements() * 4;
    made.packs.push_back({1, "blocked", bytes, [] { return std::make_unique<IdleKernel>(); }});
  }
  return made;
}

// Two views through one layer, each with a loss of its own.
Graph two_views(Role role, DType compute, std::vector<passes::Target>& losses) {
  Graph graph;
  const ValueId labels = graph.add_source(Role::input, "labels", {Shape{kRows}, DType::i32});
  const ValueId weight = graph.add_source(role, kWeight, {Shape{kWidth, kWidth}, DType::f32});
  for (const std::string view : {"view1", "view2"}) {
    const ValueId x = graph.add_source(Role::input, view, {Shape{kRows, kWidth}, compute});
    const ValueId y = graph::linear(graph, x, weight, std::nullopt, view + ".fc");
    const ValueId logits = graph::cast(graph, y, DType::f32, view + ".logits");
    losses.push_back({graph::softmax_cross_entropy(graph, logits, labels, {}, view + ".loss"), std::nullopt});
    graph.mark_output(losses.back().value, view + ".loss");
  }
  return graph;
}

int count_packs(const Graph& graph) {
  const backend::LoweredGraph lowered =
      backend::lower_nodes(graph, [&](const graph::Node& node) { return make_idle(graph, node); });
  return static_cast<int>(std::count_if(lowered.steps.begin(), lowered.steps.end(),
                                        [](const auto& step) { return step.name.starts_with("pack "); }));
}

Graph inference(Role role, DType compute) {
  std::vector<passes::Target> losses;
  return two_views(role, compute, losses);
}

Graph training(DType compute) {
  std::vector<passes::Target> losses;
  const Graph forward = two_views(Role::parameter, compute, losses);
  const std::vector<std::string> trainable{kWeight};
  Graph graph = passes::autodiff(forward, losses, trainable);
  std::vector<ValueId> gradients;
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    if (graph.values()[i].role == Role::gradient) gradients.push_back({static_cast<std::int32_t>(i)});
  }
  graph::sgd_update(graph, gradients, {});
  return graph;
}

}  // namespace

void lowering(Suite& suite) {
  suite.test("a training step in f32 packs a layer's weight for each view",
             [](Check& check) { check.equal(count_packs(training(DType::f32)), 2, "packs"); });
  suite.test("all other uses of a weight share one block", [](Check& check) {
    check.equal(count_packs(training(DType::bf16)), 1, "in bf16");
    check.equal(count_packs(inference(Role::parameter, DType::f32)), 1, "without updates");
    check.equal(count_packs(inference(Role::ema, DType::f32)), 1, "of a momentum copy");
  });
}

}  // namespace gyrus::tests::suites
