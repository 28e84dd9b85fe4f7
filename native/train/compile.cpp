#include "train/compile.h"

#include <algorithm>
#include <vector>

#include "graph/ops.h"
#include "passes/passes.h"
#include "train/optimizer.h"

namespace gyrus::train {
namespace {

graph::ValueId output_value(const graph::Graph& graph, const std::string& name) {
  for (const auto& output : graph.outputs()) {
    if (output.name == name) return output.value;
  }
  throw Error(Code::internal, text("the graph has no output called '", name, "'"));
}

graph::Graph lower_forward(const graph::Graph& graph, DType compute) {
  return passes::fuse_forward(passes::simplify(passes::prune_tokens(passes::precision(graph, compute))));
}

graph::Graph finish(const graph::Graph& graph) { return passes::schedule(passes::simplify(graph)); }

std::vector<passes::Target> targets_of(const graph::Graph& graph, std::span<const std::string> losses) {
  std::vector<passes::Target> targets;
  for (const std::string& name : losses) targets.push_back({output_value(graph, name), std::nullopt});
  return targets;
}

// Appends the backward pass to every trainable parameter.
graph::Graph add_backward(const graph::Graph& forward, std::span<const passes::Target> targets,
                          const runtime::ParameterStore& store) {
  std::vector<std::string> trainable;
  for (const auto& entry : store.entries()) {
    if (!entry.spec.is_buffer && entry.spec.is_trainable) trainable.push_back(entry.spec.name);
  }
  return passes::recompute(passes::fuse_gradients(passes::autodiff(forward, targets, trainable)));
}

}  // namespace

std::unique_ptr<runtime::Program> compile_training(const graph::Graph& graph, std::span<const std::string> loss_outputs,
                                                   const OptimizerOptions& optimizer, const Device& device,
                                                   runtime::ParameterStore& store) {
  const graph::Graph forward = lower_forward(graph, device.compute);
  graph::Graph step = add_backward(forward, targets_of(forward, loss_outputs), store);
  add_update(step, optimizer);
  runtime::ProgramOptions options;
  options.guarded_outputs.assign(loss_outputs.begin(), loss_outputs.end());
  return runtime::Program::compile(finish(step), *device.backend, store, options);
}

std::unique_ptr<runtime::Program> compile_rehearsal(const graph::Graph& graph, const Device& device,
                                                    runtime::ParameterStore& store) {
  return runtime::Program::compile(finish(lower_forward(graph, device.compute)), *device.backend, store);
}

std::unique_ptr<runtime::Program> compile_contrast(const graph::Graph& graph, std::span<const std::string> loss_outputs,
                                                   std::span<const std::string> inputs, const Device& device,
                                                   runtime::ParameterStore& store) {
  const graph::Graph forward = lower_forward(graph, DType::f32);
  const graph::Graph both = passes::autodiff(forward, targets_of(forward, loss_outputs), {}, inputs);
  return runtime::Program::compile(finish(both), *device.backend, store);
}

std::unique_ptr<runtime::Program> compile_accumulate(const graph::Graph& graph, std::span<const Seeded> outputs,
                                                     const OptimizerOptions& optimizer, const Device& device,
                                                     runtime::ParameterStore& store) {
  const graph::Graph forward = lower_forward(graph, device.compute);
  std::vector<passes::Target> targets;
  for (const auto& [output, seed] : outputs) {
    targets.push_back({output_value(forward, output), forward.find_source(graph::Role::input, seed)});
  }
  graph::Graph step = add_backward(forward, targets, store);
  graph::gradient_accumulate(step, gradients_of(step));
  add_update(step, optimizer);
  return runtime::Program::compile(finish(step), *device.backend, store);
}

std::unique_ptr<runtime::Program> compile_inference(const graph::Graph& graph, const Device& device,
                                                    runtime::ParameterStore& store) {
  runtime::ProgramOptions options;
  options.has_constant_parameters = true;
  return runtime::Program::compile(finish(lower_forward(graph, device.compute)), *device.backend, store, options);
}

}  // namespace gyrus::train
