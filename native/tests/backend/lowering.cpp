// Packed weights: which uses share one block, and which get a block of their own. Two nodes in one kernel, and what a
// kernel writes for another.
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

// Two layers, one behind the other.
struct Chain {
  Graph graph;
  ValueId x, first_weight, second_weight, first, second;
};

Chain chain() {
  Chain c;
  c.x = c.graph.add_source(Role::input, "x", {Shape{kRows, kWidth}, DType::f32});
  c.first_weight = c.graph.add_source(Role::parameter, "first.weight", {Shape{kWidth, kWidth}, DType::f32});
  c.second_weight = c.graph.add_source(Role::parameter, "second.weight", {Shape{kWidth, kWidth}, DType::f32});
  c.first = graph::linear(c.graph, c.x, c.first_weight, std::nullopt, "first");
  c.second = graph::linear(c.graph, c.first, c.second_weight, std::nullopt, "second");
  c.graph.mark_output(c.second, "y");
  return c;
}

// The second layer's kernel does the first one's work, with weights made of both.
void leave_to_reader(Check& check) {
  const Chain c = chain();
  const backend::LoweredGraph lowered = backend::lower_nodes(c.graph, [&](const graph::Node& node) {
    backend::LoweredKernel made{std::make_unique<IdleKernel>(), {}};
    made.is_left_to_reader = node.outputs[0] == c.first;
    if (made.is_left_to_reader) return made;
    made.reads = {c.x, c.first_weight};
    made.packs.push_back({1, "both", 64, [] { return std::make_unique<IdleKernel>(); }, {c.second_weight}});
    return made;
  });
  check.equal(lowered.steps.size(), std::size_t{2}, "steps: the packing and the second layer");
  const backend::LoweredStep &pack = lowered.steps.front(), &step = lowered.steps.back();
  check.that(pack.is_prologue && pack.reads == std::vector{c.first_weight.index, c.second_weight.index},
             "both weights");
  check.that(step.reads == std::vector{c.x.index, pack.writes.front()}, "what the kernel reads");
  check.equal(lowered.values[static_cast<std::size_t>(c.first.index)].bytes, std::int64_t{0}, "bytes between the two");
  check.that(step.may_share.empty(), "the node's rules of sharing are not the kernel's");
  const double products =
      graph::work_of(c.graph, c.graph.nodes()[0]).flops + graph::work_of(c.graph, c.graph.nodes()[1]).flops;
  check.equal(step.work.flops, products, "operations of both");
}

void write_beside(Check& check) {
  const Chain c = chain();
  const backend::LoweredGraph lowered = backend::lower_nodes(c.graph, [&](const graph::Node& node) {
    backend::LoweredKernel made{std::make_unique<IdleKernel>(), {}};
    (node.outputs[0] == c.first ? made.writes_beside : made.reads_beside).push_back({0, "sums", 128});
    return made;
  });
  const int block = lowered.steps[0].writes.back();
  check.equal(lowered.steps[0].writes.size(), std::size_t{2}, "the result and the block");
  check.equal(lowered.steps[1].reads.back(), block, "the reader finds it last");
  check.equal(lowered.values[static_cast<std::size_t>(block)].bytes, std::int64_t{128}, "its bytes");
}

}  // namespace

void lowering(Suite& suite) {
  suite.test("a node that is left to its reader has no step and no memory", leave_to_reader);
  suite.test("a block that is written beside a result is found by its reader", write_beside);
  suite.test("a training step in f32 packs a layer's weight for each view",
             [](Check& check) { check.equal(count_packs(training(DType::f32)), 2, "packs"); });
  suite.test("all other uses of a weight share one block", [](Check& check) {
    check.equal(count_packs(training(DType::bf16)), 1, "in bf16");
    check.equal(count_packs(inference(Role::parameter, DType::f32)), 1, "without updates");
    check.equal(count_packs(inference(Role::ema, DType::f32)), 1, "of a momentum copy");
  });
}

}  // namespace gyrus::tests::suites
