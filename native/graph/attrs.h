// What an operation needs to know beside its inputs: one plain struct a kind, held in a variant. The gradient ops of a
// kind share its struct. Which inputs and outputs each kind has is documented in ops/<op>.h.
#pragma once

#include <cstdint>
#include <variant>

#include "core/dtype.h"

namespace gyrus::graph {

struct NoAttrs {
  bool operator==(const NoAttrs&) const = default;
};
struct CastAttrs {  // cast, to_channels_last
  DType dtype = DType::f32;
  bool operator==(const CastAttrs&) const = default;
};
struct FillAttrs {
  float value = 0;
  bool operator==(const FillAttrs&) const = default;
};
struct Conv2dAttrs {
  int stride = 1, padding = 0;                       // the same along both axes
  std::int64_t input_height = 0, input_width = 0;    // of x: what grad_input must restore
  std::int64_t kernel_height = 0, kernel_width = 0;  // of w: what grad_weight must produce
  bool operator==(const Conv2dAttrs&) const = default;
};
enum class Activation : std::uint8_t { none, gelu };
struct LinearAttrs {
  Activation activation = Activation::none;  // set by passes/fuse/linear_gelu: adds the output `pre`
  bool operator==(const LinearAttrs&) const = default;
};
struct BatchNormAttrs {
  float eps = 1e-5F, momentum = 0.1F;
  bool has_affine = true;     // gamma and beta are inputs
  bool has_running = true;    // running_mean and running_var are inputs, updated in place
  bool has_residual = false;  // y = f(bn(x) + residual); set by passes/fuse/batch_norm_relu
  bool has_relu = false;      // f = relu; set by the same pass
  bool has_addend = false;    // grad only: dy comes as two summands; set by passes/fuse/gradient_add
  bool operator==(const BatchNormAttrs&) const = default;
};
struct LayerNormAttrs {
  float eps = 1e-6F;
  DType dtype = DType::f32;   // of y
  bool has_residual = false;  // y = ln(x + residual), `sum` is an output; set by passes/fuse/add_layer_norm
  bool has_addend = false;    // grad only: dx += addend, a gradient of the stream
  bool has_rounded = false;   // grad only: dx comes in dy's dtype as well
  bool operator==(const LayerNormAttrs&) const = default;
};
struct PoolAttrs {
  int kernel = 3, stride = 2, padding = 1;
  std::int64_t input_height = 0, input_width = 0;
  bool operator==(const PoolAttrs&) const = default;
};
struct AttentionAttrs {
  int heads = 1;
  bool operator==(const AttentionAttrs&) const = default;
};
struct TokenAttrs {  // select_token: which; select_token_grad and embed_tokens_grad: how many there were
  std::int64_t index = 0, tokens = 0;
  std::int64_t grid_height = 0;  // embed_tokens: GH of the patches; GW = (tokens - 1) / GH
  bool operator==(const TokenAttrs&) const = default;
};
struct ConcatAttrs {  // grad only: rows of each part
  std::int64_t first = 0, second = 0;
  bool operator==(const ConcatAttrs&) const = default;
};
struct RowScaleAttrs {  // scale_rows: which row of the factors
  std::int64_t branch = 0;
  bool operator==(const RowScaleAttrs&) const = default;
};
struct L2NormalizeAttrs {
  float eps = 1e-12F;
  DType grad_dtype = DType::f32;  // grad only: of x, which is not among its inputs
  bool operator==(const L2NormalizeAttrs&) const = default;
};
struct CrossEntropyAttrs {
  float logit_scale = 1.0F;          // 1/tau
  float loss_scale = 1.0F;           // 2*tau for MoCo v3
  float label_smoothing = 0.0F;      // as torch.nn.functional.cross_entropy
  bool labels_are_diagonal = false;  // row i's label is (i + diagonal_offset) mod K, and there is no labels input
  std::int64_t diagonal_offset = 0;
  bool excludes_self = false;  // row i has no class i: an image is not contrasted with itself (SimCLR)
  bool operator==(const CrossEntropyAttrs&) const = default;
};
struct SgdAttrs {
  float momentum = 0.9F, dampening = 0.0F;
  bool nesterov = false;
  bool operator==(const SgdAttrs&) const = default;
};
struct AdamwAttrs {
  float beta1 = 0.9F, beta2 = 0.999F, eps = 1e-8F;
  bool operator==(const AdamwAttrs&) const = default;
};
enum class LarsVariant : std::uint8_t { moco_v3, solo_learn };  // science.md B5 and B10
struct LarsAttrs {
  LarsVariant variant = LarsVariant::moco_v3;
  float momentum = 0.9F, trust = 0.001F;  // eta; solo-learn's recipe uses 0.02
  float eps = 1e-8F;                      // solo_learn only
  bool clip = true;                       // solo_learn only: clip_lr
  bool operator==(const LarsAttrs&) const = default;
};

using Attrs = std::variant<NoAttrs, CastAttrs, FillAttrs, Conv2dAttrs, LinearAttrs, BatchNormAttrs, LayerNormAttrs,
                           PoolAttrs, AttentionAttrs, TokenAttrs, ConcatAttrs, RowScaleAttrs, L2NormalizeAttrs,
                           CrossEntropyAttrs, SgdAttrs, AdamwAttrs, LarsAttrs>;

}  // namespace gyrus::graph
