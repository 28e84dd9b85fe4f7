// From the optimizer's options to its node, its arenas and its weight-decay rule.
#pragma once

#include <vector>

#include "graph/graph.h"
#include "graph/parameter_spec.h"
#include "train/session_options.h"

namespace gyrus::train {

// Throws Code::invalid_argument for an unknown name or a value out of range.
void check_optimizer(const OptimizerOptions& options);
// How many slot arenas it needs: 1 for momentum, 2 for AdamW.
int slot_count(const OptimizerOptions& options);
// Which tensors decay: with LARS only those of two or more axes (science.md B5, B10), else all of them (B6), unless
// decays_vectors is false.
void apply_decay_rule(const OptimizerOptions& options, graph::ParameterSpecs& specs);
// The values that land in the gradient arena.
std::vector<graph::ValueId> gradients_of(const graph::Graph& graph);
// Appends the update of everything in the gradient arena. Its inputs are the marked gradients: they order it last.
void add_update(graph::Graph& graph, const OptimizerOptions& options);

}  // namespace gyrus::train
