// What sits on top of an encoder: MoCo v3's projector and predictor, and the classifier of a probe or a fine-tuning.
#include <cmath>
#include <string>
#include <vector>

#include "core/error.h"
#include "graph/ops.h"
#include "nn/encoder.h"
#include "nn/layers.h"

namespace gyrus::nn {
namespace {

std::string join(const std::string& name, int index) {
  return name.empty() ? std::to_string(index) : name + "." + std::to_string(index);
}

struct MlpLayer {
  Linear linear;
  std::optional<BatchNorm> batch_norm;
  std::optional<LayerNorm> layer_norm;
  std::string relu;  // empty: none
};

// torch.nn.LayerNorm's default.
constexpr float kLayerNormEps = 1e-5F;

// torch.nn.Linear's own initialisation: U(-1/sqrt(in), 1/sqrt(in)).
Init linear_default(std::int64_t in) { return uniform_init(1 / std::sqrt(static_cast<double>(in))); }

std::vector<MlpLayer> make_mlp(const std::string& name, const MlpOptions& options) {
  GYRUS_CHECK(options.layers >= 1 && options.in > 0 && options.hidden > 0 && options.out > 0, Code::invalid_argument,
              "the MLP '", name, "' needs at least one layer and positive widths, not ", options.layers, " layers of ",
              options.in, " -> ", options.hidden, " -> ", options.out);
  std::vector<MlpLayer> layers;
  for (int index = 0; index < options.layers; ++index) {
    const bool is_last = index + 1 == options.layers;
    const std::int64_t in = index == 0 ? options.in : options.hidden, out = is_last ? options.out : options.hidden;
    const bool has_bias = options.norm == MlpNorm::none;
    const int place = (has_bias ? 2 : 3) * index;
    MlpLayer layer{.linear = {.name = join(name, place),
                              .in = in,
                              .out = out,
                              .has_bias = has_bias,
                              .weight_init = linear_default(in),
                              .bias_init = linear_default(in)},
                   .batch_norm = {},
                   .layer_norm = {},
                   .relu = {}};
    const bool has_norm = !is_last || options.has_last_norm;
    if (has_norm && options.norm == MlpNorm::batch_norm) {
      layer.batch_norm = BatchNorm{.name = join(name, place + 1), .channels = out, .has_affine = !is_last};
    }
    if (has_norm && options.norm == MlpNorm::layer_norm) {
      layer.layer_norm = LayerNorm{.name = join(name, place + 1), .width = out, .eps = kLayerNormEps};
    }
    if (!is_last) layer.relu = join(name, place + (has_bias ? 1 : 2));
    layers.push_back(std::move(layer));
  }
  return layers;
}

struct LinearHead {
  std::optional<BatchNorm> norm;
  Linear linear;
};

// With a batch norm the names are those of torch.nn.Sequential(BatchNorm1d, Linear), and its eps is that of the linear
// probe of MAE (arXiv:2111.06377). The classifier starts as in science.md B11.
LinearHead make_linear_head(const std::string& name, const LinearHeadOptions& options) {
  GYRUS_CHECK(options.in > 0 && options.classes > 0, Code::invalid_argument, "the classifier '", name,
              "' needs positive sizes, not ", options.in, " features and ", options.classes, " classes");
  LinearHead head{.norm = {},
                  .linear = {.name = options.has_batch_norm ? join(name, 1) : name,
                             .in = options.in,
                             .out = options.classes,
                             .has_bias = true,
                             .weight_init = normal_init(0.01)}};
  if (options.has_batch_norm) {
    head.norm = BatchNorm{.name = join(name, 0), .channels = options.in, .has_affine = false, .eps = 1e-6F};
  }
  return head;
}

}  // namespace

graph::ParameterSpecs mlp_parameters(const std::string& name, const MlpOptions& options) {
  graph::ParameterSpecs specs;
  for (const MlpLayer& layer : make_mlp(name, options)) {
    declare(specs, layer.linear);
    if (layer.batch_norm) declare(specs, *layer.batch_norm);
    if (layer.layer_norm) declare(specs, *layer.layer_norm);
  }
  return specs;
}

graph::ValueId mlp(Scope& scope, graph::ValueId x, const std::string& name, const MlpOptions& options) {
  for (const MlpLayer& layer : make_mlp(name, options)) {
    x = apply(scope, x, layer.linear);
    if (layer.batch_norm) x = apply(scope, x, *layer.batch_norm);
    if (layer.layer_norm) x = apply(scope, x, *layer.layer_norm);
    if (!layer.relu.empty()) x = graph::relu(scope.graph, x, scope.activation(layer.relu));
  }
  return x;
}

graph::ParameterSpecs linear_head_parameters(const std::string& name, const LinearHeadOptions& options) {
  const LinearHead head = make_linear_head(name, options);
  graph::ParameterSpecs specs;
  if (head.norm) declare(specs, *head.norm);
  declare(specs, head.linear);
  return specs;
}

graph::ValueId linear_head(Scope& scope, graph::ValueId x, const std::string& name, const LinearHeadOptions& options) {
  const LinearHead head = make_linear_head(name, options);
  x = graph::cast(scope.graph, x, DType::f32, scope.activation(name + ".features"));
  if (head.norm) x = apply(scope, x, *head.norm);
  return apply(scope, x, head.linear);
}

}  // namespace gyrus::nn
