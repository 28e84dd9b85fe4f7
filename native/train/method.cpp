#include "train/method.h"

#include "graph/ops.h"
#include "train/moco_step.h"
#include "train/simclr_step.h"

namespace gyrus::train {

const Method& find_method(std::string_view name) {
  if (name == moco_v3().name()) return moco_v3();
  if (name == simclr().name()) return simclr();
  throw Error(Code::name, text("there is no method called '", name, "'; known are '", moco_v3().name(), "' and '",
                               simclr().name(), "'"));
}

std::string projector_name(const nn::EncoderOptions& encoder) { return nn::head_name(encoder); }

nn::Scope trained_scope(graph::Graph& graph, const std::string& view, const std::string& prefix, Pass pass) {
  const nn::Mode mode = pass == Pass::rehearsal ? nn::Mode::rehearsal : nn::Mode::training;
  return {graph, prefix, view + "/" + prefix, graph::Role::parameter, prefix, mode};
}

graph::ValueId project(nn::Scope scope, graph::ValueId x, const nn::EncoderOptions& encoder,
                       const nn::MlpOptions& projector) {
  return nn::mlp(scope, nn::encoder_features(scope, x, encoder), projector_name(encoder), projector);
}

graph::ParameterSpecs base_parameters(const nn::EncoderOptions& encoder, const nn::MlpOptions& projector) {
  graph::ParameterSpecs specs = nn::encoder_parameters(encoder);
  const graph::ParameterSpecs head = nn::mlp_parameters(projector_name(encoder), projector);
  specs.insert(specs.end(), head.begin(), head.end());
  for (graph::ParameterSpec& spec : specs) spec.name = "base_encoder." + spec.name;
  return specs;
}

}  // namespace gyrus::train
