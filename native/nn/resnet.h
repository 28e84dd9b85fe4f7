// ResNet with torchvision's names and semantics (v1.5: a bottleneck's stride sits on its 3x3 convolution,
// unless the plan has it on the first).
#pragma once

#include "graph/parameter_spec.h"
#include "nn/architectures.h"
#include "nn/encoder.h"
#include "nn/scope.h"

namespace gyrus::nn {

graph::ParameterSpecs resnet_parameters(const ResnetPlan& plan, const EncoderOptions& options);
// x [N, H, W, C] -> [N, D]
graph::ValueId resnet_features(Scope& scope, graph::ValueId x, const ResnetPlan& plan, const EncoderOptions& options);

}  // namespace gyrus::nn
