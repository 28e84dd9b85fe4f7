// MoCo v3, one training step, on one page (Chen, Xie, He: "An Empirical Study of Training Self-Supervised Vision
// Transformers", ICCV 2021, algorithm 1; science.md B1-B3).
#pragma once

#include "graph/graph.h"
#include "graph/parameter_spec.h"
#include "train/session_options.h"

namespace gyrus::train {

// Parameters: base_encoder.* (with momentum copies), predictor.*; buffers: base_encoder.*, momentum_encoder.*,
// predictor.*.
graph::ParameterSpecs moco_parameters(const MocoOptions& options);

// Inputs x1, x2 [N, C, H, W] f32. Outputs loss1, loss2 (differentiable one by one), loss, hits1, hits2, each [1] f32.
graph::Graph moco_graph(const MocoOptions& options);

// "fc" for ResNets, "head" for ViTs: where the projector stands in the checkpoints (science.md B12).
std::string projector_name(const nn::EncoderOptions& encoder);

}  // namespace gyrus::train
