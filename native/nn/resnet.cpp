#include "nn/resnet.h"

#include <cmath>
#include <optional>
#include <vector>

#include "graph/ops.h"
#include "nn/layers.h"

namespace gyrus::nn {
namespace {

struct ConvBn {
  Conv2d conv;
  BatchNorm norm;
};

// relu(norm_k(conv_k(… x …)) + shortcut(x)), with a relu between the convolutions.
struct Block {
  std::string name;
  std::vector<ConvBn> layers;
  std::optional<ConvBn> downsample;  // of the shortcut; none: x itself
};

struct Resnet {
  ConvBn stem;
  std::vector<Block> blocks;
};

// Padded so that stride 1 keeps the size. He et al. 2015 (arXiv:1502.01852), equation 10, over the fan out.
ConvBn conv_bn(const ResnetPlan& plan, const std::string& conv, const std::string& norm, std::int64_t in,
               std::int64_t out, int kernel, int stride = 1) {
  const double fan_out = static_cast<double>(out) * kernel * kernel;
  return {.conv = {.name = conv,
                   .in = in,
                   .out = out,
                   .kernel = kernel,
                   .stride = stride,
                   .padding = kernel / 2,
                   .weight_init = normal_init(std::sqrt(2 / fan_out))},
          .norm = {.name = norm, .channels = out, .eps = plan.norm_eps}};
}

Block make_block(const ResnetPlan& plan, const std::string& name, std::int64_t in, std::int64_t width, int stride) {
  const std::int64_t out = plan.has_bottleneck ? 4 * width : width;
  Block block{.name = name, .layers = {}, .downsample = {}};
  const auto append = [&](std::int64_t layer_in, std::int64_t layer_out, int kernel, int layer_stride) {
    const std::string index = std::to_string(block.layers.size() + 1);
    block.layers.push_back(
        conv_bn(plan, name + ".conv" + index, name + ".bn" + index, layer_in, layer_out, kernel, layer_stride));
  };
  if (plan.has_bottleneck) {
    append(in, width, 1, plan.has_first_stride ? stride : 1);
    append(width, width, 3, plan.has_first_stride ? 1 : stride);
    append(width, out, 1, 1);
  } else {
    append(in, width, 3, stride);
    append(width, width, 3, 1);
  }
  if (stride != 1 || in != out) {
    block.downsample = conv_bn(plan, name + ".downsample.0", name + ".downsample.1", in, out, 1, stride);
  }
  return block;
}

Resnet make_resnet(const ResnetPlan& plan, const EncoderOptions& options) {
  Resnet model{.stem = conv_bn(plan, "conv1", "bn1", options.channels, 64, 7, 2), .blocks = {}};
  std::int64_t in = 64;
  for (std::size_t stage = 0; stage < plan.blocks.size(); ++stage) {
    const std::int64_t width = std::int64_t{64} << stage;
    for (int index = 0; index < plan.blocks[stage]; ++index) {
      const int stride = stage > 0 && index == 0 ? 2 : 1;
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(index);
      model.blocks.push_back(make_block(plan, name, in, width, stride));
      ConvBn& last = model.blocks.back().layers.back();
      if (options.has_zero_init_residual) last.norm.gamma = 0;
      in = last.conv.out;
    }
  }
  return model;
}

void declare(graph::ParameterSpecs& specs, const ConvBn& layer) {
  declare(specs, layer.conv);
  declare(specs, layer.norm);
}

graph::ValueId apply(Scope& scope, graph::ValueId x, const ConvBn& layer) {
  return apply(scope, apply(scope, x, layer.conv), layer.norm);
}

graph::ValueId apply(Scope& scope, graph::ValueId x, const Block& block) {
  const graph::ValueId shortcut = block.downsample ? apply(scope, x, *block.downsample) : x;
  for (std::size_t index = 0; index < block.layers.size(); ++index) {
    x = apply(scope, x, block.layers[index]);
    const bool is_last = index + 1 == block.layers.size();
    if (is_last) x = graph::add(scope.graph, x, shortcut, scope.activation(block.name + ".add"));
    x = graph::relu(scope.graph, x, scope.activation(block.name + ".relu" + std::to_string(index + 1)));
  }
  return x;
}

}  // namespace

graph::ParameterSpecs resnet_parameters(const ResnetPlan& plan, const EncoderOptions& options) {
  const Resnet model = make_resnet(plan, options);
  graph::ParameterSpecs specs;
  declare(specs, model.stem);
  for (const Block& block : model.blocks) {
    for (const ConvBn& layer : block.layers) declare(specs, layer);
    if (block.downsample) declare(specs, *block.downsample);
  }
  return specs;
}

graph::ValueId resnet_features(Scope& scope, graph::ValueId x, const ResnetPlan& plan, const EncoderOptions& options) {
  const Resnet model = make_resnet(plan, options);
  x = apply(scope, x, model.stem);
  x = graph::relu(scope.graph, x, scope.activation("relu"));
  x = graph::max_pool(scope.graph, x, 3, 2, 1, scope.activation("maxpool"));
  for (const Block& block : model.blocks) x = apply(scope, x, block);
  return graph::global_avg_pool(scope.graph, x, scope.activation("avgpool"));
}

}  // namespace gyrus::nn
