// The passes in their order, and the program at the end: what the sessions do with the graphs that they wrote.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "graph/graph.h"
#include "runtime/program.h"
#include "train/device.h"

namespace gyrus::train {

// `losses`: values of shape [1], differentiated in order with respect to all trainable parameters of the store, after
// which `add_optimizer` appends the update. No losses: inference.
std::unique_ptr<runtime::Program> compile_training(const graph::Graph& graph, std::span<const std::string> loss_outputs,
                                                   const OptimizerOptions& optimizer, const Device& device,
                                                   runtime::ParameterStore& store);
// The forward pass alone, over parameters that change from run to run.
std::unique_ptr<runtime::Program> compile_rehearsal(const graph::Graph& graph, const Device& device,
                                                    runtime::ParameterStore& store);
// Losses of given embeddings, and the gradients with respect to `inputs` as outputs "<name>.grad". In f32.
std::unique_ptr<runtime::Program> compile_contrast(const graph::Graph& graph, std::span<const std::string> loss_outputs,
                                                   std::span<const std::string> inputs, const Device& device,
                                                   runtime::ParameterStore& store);
// Backward from outputs whose gradients are inputs of the graph; backend::Hyper::part says whether the gradients are
// gathered or the parameters updated by the sum.
struct Seeded {
  std::string output, seed;
};
std::unique_ptr<runtime::Program> compile_accumulate(const graph::Graph& graph, std::span<const Seeded> outputs,
                                                     const OptimizerOptions& optimizer, const Device& device,
                                                     runtime::ParameterStore& store);
std::unique_ptr<runtime::Program> compile_inference(const graph::Graph& graph, const Device& device,
                                                    runtime::ParameterStore& store);

}  // namespace gyrus::train
