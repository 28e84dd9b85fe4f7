#include "train/moco_step.h"

#include <algorithm>
#include <string>
#include <vector>

#include "graph/ops.h"
#include "nn/encoder.h"

namespace gyrus::train {
namespace {

using graph::Graph;
using graph::ValueId;

constexpr float kL2Eps = 1e-12F;

bool is_resnet(const nn::EncoderOptions& encoder) { return encoder.arch.starts_with("resnet"); }

// Two layers for ResNets, three for ViTs; the projector always ends in a batch norm, the ResNet predictor does not
// (B1).
nn::MlpOptions projector(const MocoOptions& options) {
  return {is_resnet(options.encoder) ? 2 : 3, nn::feature_dim(options.encoder), options.projector_hidden,
          options.projector_out, true};
}

nn::MlpOptions predictor(const MocoOptions& options) {
  return {2, options.projector_out, options.projector_hidden, options.projector_out, !is_resnet(options.encoder)};
}

// One network's place in the store and in the graph.
nn::Scope scope_of(Graph& graph, const std::string& view, bool is_momentum) {
  const std::string network = is_momentum ? "momentum_encoder." : "base_encoder.";
  return {graph,   "base_encoder.",   view + "/" + network, is_momentum ? graph::Role::ema : graph::Role::parameter,
          network, nn::Mode::training};
}

ValueId embed(nn::Scope scope, ValueId x, const MocoOptions& options) {
  const ValueId features = nn::encoder_features(scope, x, options.encoder);
  return nn::mlp(scope, features, projector_name(options.encoder), projector(options));
}

ValueId key(Graph& graph, const std::string& view, ValueId x, const MocoOptions& options) {
  const ValueId k = embed(scope_of(graph, view, true), x, options);
  const ValueId normalized = graph::l2_normalize(graph, k, kL2Eps, view + "/key");
  if (view == "view2") graph.mark_output(normalized, "key2");
  return normalized;
}

ValueId query(Graph& graph, const std::string& view, ValueId x, const MocoOptions& options) {
  nn::Scope scope{graph, "predictor.", view + "/predictor.", graph::Role::parameter, "predictor.", nn::Mode::training};
  const ValueId z = embed(scope_of(graph, view, false), x, options);
  const ValueId q = nn::mlp(scope, z, "", predictor(options));
  const ValueId normalized = graph::l2_normalize(graph, q, kL2Eps, view + "/query");
  if (view == "view1") graph.mark_output(normalized, "query1");
  return normalized;
}

// ctr(q, k) = 2 tau mean_i CE(q_i . k_j / tau, label i): B3.
ValueId contrast(Graph& graph, const std::string& name, ValueId q, ValueId k, float temperature) {
  graph::CrossEntropyAttrs attrs;
  attrs.logit_scale = 1.0F / temperature;
  attrs.loss_scale = 2.0F * temperature;
  attrs.labels_are_diagonal = true;
  const ValueId logits = graph::linear(graph, q, k, std::nullopt, name + "/logits");
  const ValueId loss = graph::softmax_cross_entropy(graph, logits, std::nullopt, attrs, name);
  graph.mark_output(loss, name);
  graph.mark_output(graph.output(graph.value(loss).producer, 2), "hits" + name.substr(4));
  return loss;
}

}  // namespace

std::string projector_name(const nn::EncoderOptions& encoder) { return is_resnet(encoder) ? "fc" : "head"; }

graph::ParameterSpecs moco_parameters(const MocoOptions& options) {
  graph::ParameterSpecs base = nn::encoder_parameters(options.encoder);
  const graph::ParameterSpecs head = nn::mlp_parameters(projector_name(options.encoder), projector(options));
  base.insert(base.end(), head.begin(), head.end());
  graph::ParameterSpecs all;
  for (graph::ParameterSpec spec : base) {
    const std::string name = spec.name;
    spec.name = "base_encoder." + name;
    spec.has_ema = spec.is_trainable && !spec.is_buffer;
    all.push_back(spec);
    if (!spec.is_buffer) continue;
    spec.name = "momentum_encoder." + name;  // the momentum encoder keeps its own running statistics (B2)
    all.push_back(spec);
  }
  for (graph::ParameterSpec spec : nn::mlp_parameters("", predictor(options))) {
    spec.name = "predictor." + spec.name;
    all.push_back(spec);
  }
  return all;
}

Graph moco_graph(const MocoOptions& options) {
  Graph graph;
  const nn::EncoderOptions& encoder = options.encoder;
  const graph::ValueType image{Shape{options.batch_size, encoder.channels, encoder.image_height, encoder.image_width},
                               DType::f32};
  const ValueId x1 = graph.add_source(graph::Role::input, "x1", image);
  const ValueId x2 = graph.add_source(graph::Role::input, "x2", image);
  const ValueId view1 = graph::to_channels_last(graph, x1, DType::f32, "view1/input");
  const ValueId view2 = graph::to_channels_last(graph, x2, DType::f32, "view2/input");

  // The momentum update comes first, over parameters only; the keys then carry no gradient, because the copies are no
  // trained parameters.
  std::vector<ValueId> copies;
  for (const graph::ParameterSpec& spec : moco_parameters(options)) {
    if (spec.has_ema) copies.push_back(graph.add_source(graph::Role::ema, spec.name, {spec.shape, DType::f32}));
  }
  graph::ema_update(graph, copies);
  const ValueId k1 = key(graph, "view1", view1, options);
  const ValueId k2 = key(graph, "view2", view2, options);

  // Each loss needs one view's query and the other view's key: so each can run backward before the next view begins.
  const ValueId loss1 = contrast(graph, "loss1", query(graph, "view1", view1, options), k2, options.temperature);
  const ValueId loss2 = contrast(graph, "loss2", query(graph, "view2", view2, options), k1, options.temperature);
  graph.mark_output(graph::add(graph, loss1, loss2, "loss"), "loss");
  return graph;
}

}  // namespace gyrus::train
