#include "nn/vit.h"

#include <cmath>
#include <vector>

#include "graph/ops.h"
#include "nn/layers.h"

namespace gyrus::nn {
namespace {

struct Block {
  std::string name;
  std::int64_t index = 0;
  int heads = 1;
  LayerNorm norm1;
  Linear qkv, proj;
  LayerNorm norm2;
  Linear fc1, fc2;
};

struct Vit {
  Conv2d patch;
  graph::ParameterSpec cls_token, pos_embed;
  std::vector<Block> blocks;
  LayerNorm norm;
};

// Glorot & Bengio 2010, equation 16: U(-sqrt(6 / (in + out)), +sqrt(6 / (in + out))).
Init xavier(std::int64_t in, std::int64_t out) { return uniform_init(std::sqrt(6.0 / static_cast<double>(in + out))); }

Block make_block(std::int64_t index, const VitPlan& plan, int heads) {
  const std::string name = "blocks." + std::to_string(index);
  const std::int64_t width = plan.width, hidden = plan.mlp_ratio * plan.width;
  const auto linear = [&](const char* part, std::int64_t in, std::int64_t out, const Init& init) {
    return Linear{.name = name + part, .in = in, .out = out, .has_bias = true, .weight_init = init};
  };
  return {.name = name,
          .index = index,
          .heads = heads,
          .norm1 = {.name = name + ".norm1", .width = width},
          // Q, K and V count as three square matrices, not as one of shape [3 D, D].
          .qkv = linear(".attn.qkv", width, 3 * width, xavier(width, width)),
          .proj = linear(".attn.proj", width, width, xavier(width, width)),
          .norm2 = {.name = name + ".norm2", .width = width},
          .fc1 = linear(".mlp.fc1", width, hidden, xavier(width, hidden)),
          .fc2 = linear(".mlp.fc2", hidden, width, xavier(hidden, width))};
}

Vit make_vit(const VitPlan& plan, const EncoderOptions& options) {
  const int heads = options.heads == 0 ? plan.heads : options.heads;
  const std::int64_t grid_height = options.image_height / plan.patch, grid_width = options.image_width / plan.patch;
  Vit model{
      .patch = {.name = "patch_embed.proj",
                .in = options.channels,
                .out = plan.width,
                .kernel = static_cast<int>(plan.patch),
                .stride = static_cast<int>(plan.patch),
                .has_bias = true,
                .is_trainable = !options.has_frozen_patch_projection,
                .weight_init = xavier(options.channels * plan.patch * plan.patch, plan.width)},
      .cls_token = {.name = "cls_token", .shape = {1, 1, plan.width}, .init = graph::InitKind::normal, .scale = 1e-6F},
      .pos_embed = {.name = "pos_embed", .shape = {1, grid_height * grid_width + 1, plan.width}},
      .blocks = {},
      .norm = {.name = "norm", .width = plan.width}};
  model.pos_embed.is_trainable = options.has_trainable_positions;
  if (options.has_trainable_positions) {
    model.pos_embed.init = graph::InitKind::normal;
    model.pos_embed.scale = 0.02F;  // timm's
  } else {
    model.pos_embed.init = graph::InitKind::sin_cos_2d;
    model.pos_embed.grid_width = grid_width;
  }
  for (int index = 0; index < plan.depth; ++index) {
    model.blocks.push_back(make_block(index, plan, heads));
  }
  return model;
}

// What a block adds to its input, scaled where the scope says so.
graph::ValueId scale_branch(Scope& scope, graph::ValueId y, std::int64_t branch, const std::string& name) {
  if (!scope.branch_factors.is_valid()) return y;
  return graph::scale_rows(scope.graph, y, scope.branch_factors, branch, name);
}

// x [N, T, D] -> [N, T, D]
graph::ValueId apply(Scope& scope, graph::ValueId x, const Block& block) {
  const auto name = [&](const char* part) { return scope.activation(block.name + part); };
  graph::ValueId y = apply(scope, x, block.norm1);
  y = apply(scope, y, block.qkv);
  y = graph::attention(scope.graph, y, block.heads, name(".attn"));
  y = apply(scope, y, block.proj);
  y = scale_branch(scope, y, 2 * block.index, name(".drop_path1"));
  x = graph::add(scope.graph, x, y, name(".add1"));
  y = apply(scope, x, block.norm2);
  y = apply(scope, y, block.fc1);
  y = graph::gelu(scope.graph, y, name(".mlp.act"));
  y = apply(scope, y, block.fc2);
  y = scale_branch(scope, y, 2 * block.index + 1, name(".drop_path2"));
  return graph::add(scope.graph, x, y, name(".add2"));
}

}  // namespace

graph::ParameterSpecs vit_parameters(const VitPlan& plan, const EncoderOptions& options) {
  const Vit model = make_vit(plan, options);
  graph::ParameterSpecs specs{model.cls_token, model.pos_embed};
  declare(specs, model.patch);
  for (const Block& block : model.blocks) {
    declare(specs, block.norm1);
    declare(specs, block.qkv);
    declare(specs, block.proj);
    declare(specs, block.norm2);
    declare(specs, block.fc1);
    declare(specs, block.fc2);
  }
  declare(specs, model.norm);
  return specs;
}

graph::ValueId vit_features(Scope& scope, graph::ValueId x, const VitPlan& plan, const EncoderOptions& options) {
  const Vit model = make_vit(plan, options);
  const auto token_parameter = [&](const graph::ParameterSpec& spec) {
    return scope.parameter(spec.name, spec.shape, spec.is_trainable);
  };
  x = apply(scope, x, model.patch);
  x = graph::embed_tokens(scope.graph, x, token_parameter(model.cls_token), token_parameter(model.pos_embed),
                          scope.activation("embed_tokens"));
  for (const Block& block : model.blocks) x = apply(scope, x, block);
  // Before the final norm, which treats each token alone: the same numbers, and passes/prune_tokens finds it here.
  x = graph::select_token(scope.graph, x, 0, scope.activation("class_token"));
  return apply(scope, x, model.norm);
}

}  // namespace gyrus::nn
