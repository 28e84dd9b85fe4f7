// The encoders: image in, one feature vector out. Names of architectures and parameters are torchvision's (ResNet) and
// timm's (ViT). Functions here build graphs; they do no arithmetic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/parameter_spec.h"
#include "nn/scope.h"

namespace gyrus::nn {

struct EncoderOptions {
  std::string arch;                                    // see architecture_names()
  std::int64_t image_height = 224, image_width = 224;  // ViT: divisible by the patch
  std::int64_t channels = 3;                           // 1 or 3
  int heads = 0;                                       // ViT: 0 takes the architecture's own
  bool has_zero_init_residual = false;                 // ResNet: last BN's gamma of each block starts at 0
  bool has_trainable_positions = false;  // ViT: false = fixed sin-cos (science.md B8), true = timm's learned pos_embed
  bool has_frozen_patch_projection = false;  // ViT: stop-grad-conv1
};

// resnet18 resnet34 resnet50 resnet50_v1 vit_tiny_patch16_224 vit_small_patch16_224 vit_base_patch16_224
// mocov3_vit_small mocov3_vit_base
std::vector<std::string_view> architecture_names();

// Whether its ResNet has strides on a block's first convolution (ResnetPlan).
bool has_first_stride(const EncoderOptions& options);
// Of a ViT; 0 of a ResNet.
int attention_heads(const EncoderOptions& options);

// All parameters and buffers of the backbone, without a head. Throws Code::name for an unknown architecture (with the
// nearest known name), Code::shape for an image size or channel count that it cannot take.
graph::ParameterSpecs encoder_parameters(const EncoderOptions& options);
// Of what comes behind the features, a classifier or a projector: "fc" (torchvision's ResNets), "head" (timm's ViTs).
std::string head_name(const EncoderOptions& options);
// D: 512 (R18, R34), 2048 (R50), 192/384/768 (ViT).
std::int64_t feature_dim(const EncoderOptions& options);
// How many branches the scope's branch_factors scale: two a block of a ViT, attention before MLP; 0 of a ResNet.
std::int64_t residual_branches(const EncoderOptions& options);
// How far from the image a parameter works, for rates that fall layer by layer: a ViT's tokens and patches 0, block i
// i + 1; a ResNet's stem 0, stage i i; what comes after them, the classifier included, layer_count() - 1.
std::int64_t layer_count(const EncoderOptions& options);
std::int64_t layer_of(const EncoderOptions& options, std::string_view parameter);
// x [N, H, W, C] (after to_channels_last) -> features [N, D] in x's dtype: ResNet after global average pooling, ViT the
// class token after the final norm.
graph::ValueId encoder_features(Scope& scope, graph::ValueId x, const EncoderOptions& options);

// batch_norm: MoCo v3's (science.md B1), without a scale behind the last layer. layer_norm: treats images one by one,
// so that a loss over micro-batches is exactly that of the batch; always with a scale. none: the linear layers have
// biases.
enum class MlpNorm : std::uint8_t { batch_norm, layer_norm, none };

// Projectors and predictors: Linear -> norm -> ReLU, …, Linear -> optional norm. Parameter names under `name` are the
// indices of torch.nn.Sequential: 0.weight, 1.{weight,bias,running_*}, 3.weight, 4.…, 6.weight, 7.…; without norms
// 0.{weight,bias}, 2.{weight,bias}, ….
struct MlpOptions {
  int layers = 2;
  std::int64_t in = 0, hidden = 4096, out = 256;
  MlpNorm norm = MlpNorm::batch_norm;
  bool has_last_norm = true;
};
graph::ParameterSpecs mlp_parameters(const std::string& name, const MlpOptions& options);
graph::ValueId mlp(Scope& scope, graph::ValueId x, const std::string& name, const MlpOptions& options);

// Classifier: Linear with bias; `has_batch_norm` puts a BatchNorm1d (no affine) before it, as some linear probes do.
// x [N, in] -> logits [N, classes] f32: it computes in f32 whatever the backbone does.
struct LinearHeadOptions {
  std::int64_t in = 0, classes = 0;
  bool has_batch_norm = false;
};
graph::ParameterSpecs linear_head_parameters(const std::string& name, const LinearHeadOptions& options);
graph::ValueId linear_head(Scope& scope, graph::ValueId x, const std::string& name, const LinearHeadOptions& options);

}  // namespace gyrus::nn
