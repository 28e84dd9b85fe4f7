// The table of architectures: what distinguishes resnet18 from resnet50 and vit_small from mocov3_vit_small.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

namespace gyrus::nn {

// He et al. 2015 (arXiv:1512.03385), table 1.
struct ResnetPlan {
  std::array<int, 4> blocks{};  // of each stage
  bool has_bottleneck = false;  // 1x1, 3x3, 1x1 with four times the width at the end; otherwise two 3x3
  // A bottleneck's stride sits on its first convolution, as in the paper and in Keras; torchvision has it on the
  // second.
  bool has_first_stride = false;
  float norm_eps = 1e-5F;
  std::int64_t feature_dim() const { return has_bottleneck ? 2048 : 512; }
};

// Dosovitskiy et al. 2020 (arXiv:2010.11929); tiny and small as in DeiT (arXiv:2012.12877); MoCo v3's small has 12
// heads.
struct VitPlan {
  std::int64_t width = 0;
  int heads = 0;
  int depth = 12;
  std::int64_t patch = 16;
  std::int64_t mlp_ratio = 4;
};

struct Architecture {
  std::string_view name;
  std::variant<ResnetPlan, VitPlan> plan;
};

std::span<const Architecture> architectures();
// Throws Code::name, with the nearest known name, for a name that is not in the table.
const Architecture& find_architecture(std::string_view name);

}  // namespace gyrus::nn
