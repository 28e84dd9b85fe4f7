#include "nn/architectures.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "nn/encoder.h"

namespace gyrus::nn {
namespace {

constexpr std::array kArchitectures{
    Architecture{"resnet18", ResnetPlan{.blocks = {2, 2, 2, 2}}},
    Architecture{"resnet34", ResnetPlan{.blocks = {3, 4, 6, 3}}},
    Architecture{"resnet50", ResnetPlan{.blocks = {3, 4, 6, 3}, .has_bottleneck = true}},
    // Keras's, and that of RadImageNet's first release (science.md F2).
    Architecture{
        "resnet50_v1",
        ResnetPlan{.blocks = {3, 4, 6, 3}, .has_bottleneck = true, .has_first_stride = true, .norm_eps = 1.001e-5F}},
    Architecture{"vit_tiny_patch16_224", VitPlan{.width = 192, .heads = 3}},
    Architecture{"vit_small_patch16_224", VitPlan{.width = 384, .heads = 6}},
    Architecture{"vit_base_patch16_224", VitPlan{.width = 768, .heads = 12}},
    Architecture{"mocov3_vit_small", VitPlan{.width = 384, .heads = 12}},
    Architecture{"mocov3_vit_base", VitPlan{.width = 768, .heads = 12}},
};

// timm's network for tests: found like the others, never listed or suggested.
constexpr Architecture kTestVit{"test_vit", VitPlan{.width = 64, .heads = 2, .depth = 6, .mlp_ratio = 3}};

// Levenshtein: the least number of insertions, deletions and replacements that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

const Architecture& find_architecture(std::string_view name) {
  const auto found = std::ranges::find(kArchitectures, name, &Architecture::name);
  if (found != kArchitectures.end()) return *found;
  if (name == kTestVit.name) return kTestVit;
  const auto nearest = std::ranges::min_element(
      kArchitectures, {}, [name](const Architecture& known) { return edit_distance(name, known.name); });
  std::string all;
  for (const Architecture& known : kArchitectures) all += text(all.empty() ? "" : ", ", known.name);
  throw Error(Code::name, text("there is no architecture called '", name, "'; did you mean '", nearest->name,
                               "'? Known are: ", all));
}

std::vector<std::string_view> architecture_names() {
  std::vector<std::string_view> names;
  names.reserve(kArchitectures.size());
  for (const Architecture& known : kArchitectures) names.push_back(known.name);
  return names;
}

}  // namespace gyrus::nn
