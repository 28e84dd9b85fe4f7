// The passes in their order, and the program at the end: what every session does with the graph that it wrote.
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
std::unique_ptr<runtime::Program> compile_inference(const graph::Graph& graph, const Device& device,
                                                    runtime::ParameterStore& store);

}  // namespace gyrus::train
