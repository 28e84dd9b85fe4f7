// The names of torchvision's vision transformers and timm's, which are ours.
#include <array>
#include <utility>

#include "core/error.h"
#include "io/weight_forms.h"

namespace gyrus::io {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;  // torchvision's, timm's

// Beginnings of names outside the blocks.
constexpr std::array<Pair, 5> kOutside{{{"class_token", "cls_token"},
                                        {"conv_proj.", "patch_embed.proj."},
                                        {"encoder.pos_embedding", "pos_embed"},
                                        {"encoder.ln.", "norm."},
                                        {"heads.head.", "head."}}};
constexpr Pair kBlock{"encoder.layers.encoder_layer_", "blocks."};
// What follows a block's number. torchvision renamed the parts of the MLP in 0.13: the last two are of before.
constexpr std::array<Pair, 8> kInside{{{".ln_1.", ".norm1."},
                                       {".self_attention.in_proj_", ".attn.qkv."},
                                       {".self_attention.out_proj.", ".attn.proj."},
                                       {".ln_2.", ".norm2."},
                                       {".mlp.0.", ".mlp.fc1."},
                                       {".mlp.3.", ".mlp.fc2."},
                                       {".mlp.linear_1.", ".mlp.fc1."},
                                       {".mlp.linear_2.", ".mlp.fc2."}}};

// `from` and `to`: which of a pair is which.
template <std::size_t from, std::size_t to>
std::string rename(std::string_view name) {
  for (const Pair& pair : kOutside) {
    if (name.starts_with(std::get<from>(pair))) {
      return text(std::get<to>(pair), name.substr(std::get<from>(pair).size()));
    }
  }
  if (!name.starts_with(std::get<from>(kBlock))) return std::string(name);
  const std::string_view rest = name.substr(std::get<from>(kBlock).size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::string(name);
  for (const Pair& pair : kInside) {
    const std::string_view found = std::get<from>(pair);
    if (found.empty() || !rest.substr(dot).starts_with(found)) continue;
    return text(std::get<to>(kBlock), rest.substr(0, dot), std::get<to>(pair), rest.substr(dot + found.size()));
  }
  return std::string(name);
}

}  // namespace

std::string from_torchvision_vit(std::string_view name) { return rename<0, 1>(name); }

std::string to_torchvision_vit(std::string_view name) { return rename<1, 0>(name); }

}  // namespace gyrus::io
