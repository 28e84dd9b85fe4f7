#include "train/compile.h"

#include <algorithm>
#include <vector>

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

}  // namespace

std::unique_ptr<runtime::Program> compile_training(const graph::Graph& graph, std::span<const std::string> loss_outputs,
                                                   const OptimizerOptions& optimizer, const Device& device,
                                                   runtime::ParameterStore& store) {
  graph::Graph step = lower_forward(graph, device.compute);
  std::vector<passes::Target> targets;
  for (const std::string& name : loss_outputs) targets.push_back({output_value(step, name), std::nullopt});
  std::vector<std::string> trainable;
  for (const auto& entry : store.entries()) {
    if (!entry.spec.is_buffer && entry.spec.is_trainable) trainable.push_back(entry.spec.name);
  }
  step = passes::recompute(passes::fuse_gradients(passes::autodiff(step, targets, trainable)));
  add_update(step, optimizer);
  step = passes::schedule(passes::simplify(step));
  runtime::ProgramOptions options;
  options.guarded_outputs.assign(loss_outputs.begin(), loss_outputs.end());
  return runtime::Program::compile(step, *device.backend, store, options);
}

std::unique_ptr<runtime::Program> compile_inference(const graph::Graph& graph, const Device& device,
                                                    runtime::ParameterStore& store) {
  const graph::Graph forward = passes::schedule(passes::simplify(lower_forward(graph, device.compute)));
  runtime::ProgramOptions options;
  options.has_constant_parameters = true;
  return runtime::Program::compile(forward, *device.backend, store, options);
}

}  // namespace gyrus::train
