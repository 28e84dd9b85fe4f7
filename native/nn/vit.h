// Vision transformer with timm's names and semantics (pre-norm, class token), initialised as MoCo v3 does (science.md
// B8).
#pragma once

#include "graph/parameter_spec.h"
#include "nn/architectures.h"
#include "nn/encoder.h"
#include "nn/scope.h"

namespace gyrus::nn {

graph::ParameterSpecs vit_parameters(const VitPlan& plan, const EncoderOptions& options);
// x [N, H, W, C] -> [N, D]
graph::ValueId vit_features(Scope& scope, graph::ValueId x, const VitPlan& plan, const EncoderOptions& options);

}  // namespace gyrus::nn
