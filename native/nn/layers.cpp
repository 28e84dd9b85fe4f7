#include "nn/layers.h"

#include "graph/ops.h"

namespace gyrus::nn {
namespace {

Shape weight_shape(const Conv2d& layer) { return {layer.out, layer.in, layer.kernel, layer.kernel}; }
Shape weight_shape(const Linear& layer) { return {layer.out, layer.in}; }

graph::ParameterSpec spec(std::string name, const Shape& shape, const Init& init) {
  return {.name = std::move(name), .shape = shape, .init = init.kind, .scale = init.scale};
}

graph::ParameterSpec buffer_spec(std::string name, const Shape& shape, float value) {
  graph::ParameterSpec result = spec(std::move(name), shape, constant_init(value));
  result.is_buffer = true;
  result.is_trainable = false;
  return result;
}

}  // namespace

Init constant_init(float value) { return {graph::InitKind::constant, value}; }
Init uniform_init(double bound) { return {graph::InitKind::uniform, static_cast<float>(bound)}; }
Init normal_init(double deviation) { return {graph::InitKind::normal, static_cast<float>(deviation)}; }

void declare(graph::ParameterSpecs& specs, const Conv2d& layer) {
  specs.push_back(spec(layer.name + ".weight", weight_shape(layer), layer.weight_init));
  specs.back().is_trainable = layer.is_trainable;
  if (!layer.has_bias) return;
  specs.push_back(spec(layer.name + ".bias", {layer.out}, constant_init(0)));
  specs.back().is_trainable = layer.is_trainable;
}

void declare(graph::ParameterSpecs& specs, const Linear& layer) {
  specs.push_back(spec(layer.name + ".weight", weight_shape(layer), layer.weight_init));
  if (layer.has_bias) specs.push_back(spec(layer.name + ".bias", {layer.out}, layer.bias_init));
}

void declare(graph::ParameterSpecs& specs, const BatchNorm& layer) {
  const Shape shape{layer.channels};
  if (layer.has_affine) {
    specs.push_back(spec(layer.name + ".weight", shape, constant_init(layer.gamma)));
    specs.push_back(spec(layer.name + ".bias", shape, constant_init(0)));
  }
  specs.push_back(buffer_spec(layer.name + ".running_mean", shape, 0));
  specs.push_back(buffer_spec(layer.name + ".running_var", shape, 1));
}

void declare(graph::ParameterSpecs& specs, const LayerNorm& layer) {
  specs.push_back(spec(layer.name + ".weight", {layer.width}, constant_init(1)));
  specs.push_back(spec(layer.name + ".bias", {layer.width}, constant_init(0)));
}

graph::ValueId apply(Scope& scope, graph::ValueId x, const Conv2d& layer) {
  const graph::ValueId weight = scope.parameter(layer.name + ".weight", weight_shape(layer), layer.is_trainable);
  std::optional<graph::ValueId> bias;
  if (layer.has_bias) bias = scope.parameter(layer.name + ".bias", {layer.out}, layer.is_trainable);
  return graph::conv2d(scope.graph, x, weight, bias, layer.stride, layer.padding, scope.activation(layer.name));
}

graph::ValueId apply(Scope& scope, graph::ValueId x, const Linear& layer) {
  const graph::ValueId weight = scope.parameter(layer.name + ".weight", weight_shape(layer));
  std::optional<graph::ValueId> bias;
  if (layer.has_bias) bias = scope.parameter(layer.name + ".bias", {layer.out});
  return graph::linear(scope.graph, x, weight, bias, scope.activation(layer.name));
}

graph::ValueId apply(Scope& scope, graph::ValueId x, const BatchNorm& layer) {
  const Shape shape{layer.channels};
  graph::BatchNormParameters parameters;
  if (layer.has_affine) {
    parameters.gamma = scope.parameter(layer.name + ".weight", shape);
    parameters.beta = scope.parameter(layer.name + ".bias", shape);
  }
  if (scope.mode != Mode::rehearsal) {
    parameters.running_mean = scope.buffer(layer.name + ".running_mean", shape);
    parameters.running_var = scope.buffer(layer.name + ".running_var", shape);
  }
  const std::string name = scope.activation(layer.name);
  if (scope.mode == Mode::inference) return graph::batch_norm_inference(scope.graph, x, parameters, layer.eps, name);
  return graph::batch_norm(scope.graph, x, parameters, layer.eps, layer.momentum, name);
}

graph::ValueId apply(Scope& scope, graph::ValueId x, const LayerNorm& layer) {
  const graph::ValueId gamma = scope.parameter(layer.name + ".weight", {layer.width});
  const graph::ValueId beta = scope.parameter(layer.name + ".bias", {layer.width});
  return graph::layer_norm(scope.graph, x, gamma, beta, layer.eps, scope.activation(layer.name));
}

}  // namespace gyrus::nn
