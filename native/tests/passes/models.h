// Graphs of whole models, as the passes' tests need them: one forward pass with a supervised loss.
#pragma once

#include <string>
#include <vector>

#include "graph/ops.h"
#include "nn/encoder.h"

namespace gyrus::tests {

struct ModelGraph {
  graph::Graph graph;
  graph::ValueId loss;
  std::vector<std::string> trainable;
};

inline ModelGraph classifier_graph(const std::string& arch, std::int64_t batch, std::int64_t image) {
  ModelGraph model;
  const nn::EncoderOptions options{.arch = arch, .image_height = image, .image_width = image};
  const nn::LinearHeadOptions head{.in = nn::feature_dim(options), .classes = 4};
  graph::ParameterSpecs specs = nn::encoder_parameters(options);
  const graph::ParameterSpecs head_specs = nn::linear_head_parameters("fc", head);
  specs.insert(specs.end(), head_specs.begin(), head_specs.end());
  for (const auto& spec : specs) {
    if (!spec.is_buffer && spec.is_trainable) model.trainable.push_back(spec.name);
  }
  graph::Graph& graph = model.graph;
  const graph::ValueId x = graph.add_source(graph::Role::input, "x", {Shape{batch, 3, image, image}, DType::f32});
  const graph::ValueId labels = graph.add_source(graph::Role::input, "labels", {Shape{batch}, DType::i32});
  nn::Scope scope{graph, "", "", graph::Role::parameter, "", nn::Mode::training};
  const graph::ValueId features =
      nn::encoder_features(scope, graph::to_channels_last(graph, x, DType::f32, "input"), options);
  const graph::ValueId logits = graph::cast(graph, nn::linear_head(scope, features, "fc", head), DType::f32, "logits");
  model.loss = graph::softmax_cross_entropy(graph, logits, labels, {}, "loss");
  graph.mark_output(model.loss, "loss");
  return model;
}

inline int count_kind(const graph::Graph& graph, graph::OpKind kind) {
  int count = 0;
  for (const auto& node : graph.nodes()) count += node.kind == kind ? 1 : 0;
  return count;
}

inline graph::ValueId output_named(const graph::Graph& graph, const std::string& name) {
  for (const auto& output : graph.outputs()) {
    if (output.name == name) return output.value;
  }
  return {};
}

}  // namespace gyrus::tests
