// Parameters by their distance from the image, read off their names.
#include <charconv>

#include "core/error.h"
#include "nn/architectures.h"
#include "nn/encoder.h"

namespace gyrus::nn {
namespace {

constexpr std::int64_t kStages = 4;  // of a ResNet: layer1 to layer4

std::int64_t count_of(const ResnetPlan&) { return kStages + 2; }
std::int64_t count_of(const VitPlan& plan) { return plan.depth + 2; }

// The number behind `prefix` in "blocks.11.norm1.weight", or -1.
std::int64_t number_behind(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return -1;
  std::int64_t number = -1;
  const char* const end = name.data() + name.size();
  const auto [rest, problem] = std::from_chars(name.data() + prefix.size(), end, number);
  return problem == std::errc() && rest != end && *rest == '.' ? number : -1;
}

bool starts_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

std::int64_t layer_in(const ResnetPlan& plan, std::string_view name) {
  if (starts_any(name, {"conv1.", "bn1."})) return 0;
  const std::int64_t stage = number_behind(name, "layer");
  return stage >= 0 ? stage : count_of(plan) - 1;
}

std::int64_t layer_in(const VitPlan& plan, std::string_view name) {
  if (starts_any(name, {"cls_token", "pos_embed", "patch_embed."})) return 0;
  const std::int64_t block = number_behind(name, "blocks.");
  return block >= 0 ? block + 1 : count_of(plan) - 1;
}

}  // namespace

std::int64_t layer_count(const EncoderOptions& options) {
  return std::visit([](const auto& plan) { return count_of(plan); }, find_architecture(options.arch).plan);
}

std::int64_t layer_of(const EncoderOptions& options, std::string_view parameter) {
  return std::visit([&](const auto& plan) { return layer_in(plan, parameter); }, find_architecture(options.arch).plan);
}

}  // namespace gyrus::nn
