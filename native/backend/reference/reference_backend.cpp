// The reference backend: one step for each node, no layouts, no fusion of its own, no scratch. The C++ oracle and the
// gradient checker; meant for small shapes.
#include <cstddef>
#include <utility>

#include "backend/reference/kernel_table.h"

namespace gyrus::backend {
namespace reference {
namespace {

std::int64_t bytes_of(const graph::Value& value) {
  const bool is_label_input = value.role == graph::Role::input && value.dtype() == DType::i32;
  return value.shape().elements() * size_of(is_label_input ? DType::i32 : DType::f64);
}

class NaiveKernel final : public Kernel {
 public:
  NaiveKernel(NaiveFunction function, Call call) : function_(function), call_(std::move(call)) {}

  void bind(const KernelArgs& args) override {
    GYRUS_ASSERT(args.in.size() == call_.in.size() && args.out.size() == call_.out.size());
    for (std::size_t i = 0; i < args.in.size(); ++i) call_.in[i].data = args.in[i];
    for (std::size_t i = 0; i < args.out.size(); ++i) call_.out[i].data = args.out[i];
    call_.hyper = args.hyper;
    call_.arenas = args.arenas;
  }

  void run() override { function_(call_); }

 private:
  NaiveFunction function_;
  Call call_;
};

LoweredStep lower_node(const graph::Graph& graph, const graph::Node& node) {
  LoweredStep step;
  step.name = text(name_of(node.kind), " ", node.name);
  step.kind = node.kind;
  step.work = graph::work_of(graph, node);
  Call call;
  call.attrs = node.attrs;
  for (const graph::ValueId id : node.inputs) {
    step.reads.push_back(id.index);
    call.in.push_back({graph.value(id).shape()});
  }
  for (const graph::ValueId id : node.outputs) {
    step.writes.push_back(id.index);
    call.out.push_back({graph.value(id).shape()});
  }
  step.kernel = std::make_unique<NaiveKernel>(naive_function(node.kind), std::move(call));
  return step;
}

class ReferenceBackend final : public Backend {
 public:
  Capabilities describe() const override { return {"reference", false, DType::f64}; }

  LoweredGraph lower(const graph::Graph& graph) const override {
    LoweredGraph lowered;
    // Lowered values keep the numbers of the graph's values.
    for (std::int32_t index = 0; index < static_cast<std::int32_t>(graph.values().size()); ++index) {
      const graph::ValueId id{index};
      lowered.values.push_back({graph.value(id).name, bytes_of(graph.value(id)), id});
    }
    for (const graph::Node& node : graph.nodes()) lowered.steps.push_back(lower_node(graph, node));
    return lowered;
  }
};

}  // namespace
}  // namespace reference

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<reference::ReferenceBackend>(); }

}  // namespace gyrus::backend
