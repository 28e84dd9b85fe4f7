#include "backend/lowering.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"
#include "graph/op_def.h"

namespace gyrus::backend {
namespace {

using graph::OpKind;
using graph::Role;
using graph::ValueId;

bool is_update(OpKind kind) {
  return kind == OpKind::sgd_update || kind == OpKind::adamw_update || kind == OpKind::lars_update;
}

bool has_updates(const graph::Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(),
                     [](const graph::Node& node) { return is_update(node.kind); });
}

// Packed blocks that hold the current contents of a value, by (value, format).
using PackedBlocks = std::map<std::pair<std::int32_t, std::string>, int>;

class Lowering {
 public:
  Lowering(const graph::Graph& graph, const MakeKernel& make)
      : graph_(graph), make_(make), trains_(has_updates(graph)) {}

  LoweredGraph run() {
    for (std::size_t i = 0; i < graph_.values().size(); ++i) {
      const graph::Value& value = graph_.values()[i];
      lowered_.values.push_back(
          {value.name, value.shape().elements() * size_of(value.dtype()), ValueId{static_cast<std::int32_t>(i)}});
    }
    for (const graph::Node& node : graph_.nodes()) lower_node(node);
    return std::move(lowered_);
  }

 private:
  void lower_node(const graph::Node& node) {
    const std::string name = text(name_of(node.kind), " ", node.name);
    LoweredKernel made = make_kernel(node, name);
    if (made.is_left_to_reader) {
      leave_to_reader(node);
      return;
    }
    LoweredStep step;
    step.name = name;
    step.kind = node.kind;
    step.work = work_of(node);
    const std::vector<ValueId>& inputs = made.reads.empty() ? node.inputs : made.reads;
    for (const ValueId id : inputs) step.reads.push_back(id.index);
    for (const ValueId id : node.outputs) step.writes.push_back(id.index);
    for (const PackRequest& request : made.packs) step.reads[request.input] = packed(inputs[request.input], request);
    for (const ValueId id : made.extra_reads) step.reads.push_back(id.index);
    for (const auto& [input, format, bytes] : made.reads_beside) {
      step.reads.push_back(beside_.at({node.inputs[input].index, format}));
    }
    for (const auto& [output, format, bytes] : made.writes_beside) {
      const ValueId id = node.outputs[output];
      beside_[{id.index, format}] = static_cast<int>(lowered_.values.size());
      step.writes.push_back(static_cast<int>(lowered_.values.size()));
      lowered_.values.push_back({format + " of " + graph_.value(id).name, bytes, ValueId{}});
    }
    for (const auto& [output, bytes] : made.other_forms) {
      lowered_.values[static_cast<std::size_t>(node.outputs[output].index)].bytes = bytes;
    }
    // Where the kernel reads something else than the node says, the node's rules of sharing are not its own.
    if (made.reads.empty()) add_shares(node, made.packs, step);
    step.kernel = std::move(made.kernel);
    step.way = std::move(made.way);
    lowered_.steps.push_back(std::move(step));
    if (made.reads.empty()) {
      for (const PackRequest& request : made.packs) forget_large(node, request);
    }
    forget_changed(node);
  }

  void leave_to_reader(const graph::Node& node) {
    for (const ValueId id : node.outputs) lowered_.values[static_cast<std::size_t>(id.index)].bytes = 0;
    left_.emplace(node.outputs[0].index, graph::work_of(graph_, node));
  }

  // With that of the nodes that were left to this one.
  graph::Work work_of(const graph::Node& node) const {
    graph::Work work = graph::work_of(graph_, node);
    for (const ValueId id : node.inputs) {
      const auto left = left_.find(id.index);
      if (left == left_.end()) continue;
      // Their result is neither written nor read.
      const double spared =
          2 * static_cast<double>(graph_.value(id).shape().elements() * size_of(graph_.value(id).dtype()));
      work.flops += left->second.flops;
      work.bytes += left->second.bytes - spared;
    }
    return work;
  }

  // A training step packs a weight for each view anew where that is cheap: kept, the packed weights of a ViT's forward
  // pass would lie there during the first view's backward pass, where most is alive, and those of the backward pass
  // during the second's forward pass. In f32 that is a tenth of the memory of ViT-S at batch 16, for 1 % of the time.
  void forget_large(const graph::Node& node, const PackRequest& request) {
    const ValueId id = node.inputs[request.input];
    const bool is_product = node.kind == OpKind::linear || node.kind == OpKind::linear_grad_input;
    const bool is_f32 = graph_.value(node.outputs[0]).dtype() == DType::f32;
    if (trains_ && is_product && is_f32 && graph_.value(id).role == Role::parameter) {
      packed_.erase({id.index, request.format});
    }
  }

  LoweredKernel make_kernel(const graph::Node& node, const std::string& name) const {
    try {
      return make_(node);
    } catch (const Error& error) {
      throw error.with_context("while lowering " + name);
    }
  }

  static bool is_stored(const graph::Value& value) {
    return value.role == Role::parameter || value.role == Role::buffer || value.role == Role::ema;
  }

  // The block that holds `id` in that format, made by a new step if there is none yet.
  int packed(ValueId id, const PackRequest& request) {
    const auto [at, is_new] = packed_.try_emplace({id.index, request.format}, static_cast<int>(lowered_.values.size()));
    if (!is_new) return at->second;
    const graph::Value& value = graph_.value(id);
    lowered_.values.push_back({"packed/" + value.name, request.bytes, ValueId{}});
    LoweredStep step;
    step.name = "pack " + value.name;
    step.kind = OpKind::cast;
    step.work.bytes = static_cast<double>(value.shape().elements() * size_of(value.dtype()) + request.bytes);
    step.reads = {id.index};
    step.is_prologue = is_stored(value);
    for (const ValueId other : request.also_reads) {
      step.reads.push_back(other.index);
      step.is_prologue = step.is_prologue && is_stored(graph_.value(other));
    }
    step.writes = {at->second};
    step.kernel = request.make();
    lowered_.steps.push_back(std::move(step));
    return at->second;
  }

  void add_shares(const graph::Node& node, const std::vector<PackRequest>& packs, LoweredStep& step) const {
    for (const auto& [in, out] : graph::op_def(node.kind).inplace) {
      const auto read = static_cast<std::size_t>(in), write = static_cast<std::size_t>(out);
      if (read >= step.reads.size() || write >= step.writes.size()) continue;  // an optional operand that is absent
      const bool is_packed = std::any_of(packs.begin(), packs.end(), [&](const auto& p) { return p.input == read; });
      const auto bytes = [&](int value) { return lowered_.values[static_cast<std::size_t>(value)].bytes; };
      if (is_packed || bytes(step.reads[read]) != bytes(step.writes[write])) continue;
      step.may_share.push_back({out, in});
    }
  }

  // Blocks packed from values that the node has changed are stale. What the updates change is all of a role, whatever
  // they list as inputs.
  void forget_changed(const graph::Node& node) {
    if (is_update(node.kind)) forget(Role::parameter);
    if (node.kind == OpKind::ema_update) forget(Role::ema);
  }

  void forget(Role role) {
    std::erase_if(packed_, [&](const auto& entry) { return graph_.value(ValueId{entry.first.first}).role == role; });
  }

  const graph::Graph& graph_;
  const MakeKernel& make_;
  const bool trains_;
  LoweredGraph lowered_;
  PackedBlocks packed_;
  PackedBlocks beside_;                       // written beside a value, by (value, format)
  std::map<std::int32_t, graph::Work> left_;  // to the reader of that value
};

}  // namespace

LoweredGraph lower_nodes(const graph::Graph& graph, const MakeKernel& make) { return Lowering(graph, make).run(); }

}  // namespace gyrus::backend
