#include "nn/encoder.h"

#include "core/error.h"
#include "nn/architectures.h"
#include "nn/resnet.h"
#include "nn/vit.h"

namespace gyrus::nn {
namespace {

void check_image(const EncoderOptions& options) {
  GYRUS_CHECK(options.channels == 1 || options.channels == 3, Code::shape, options.arch, " takes 1 or 3 channels, not ",
              options.channels);
  GYRUS_CHECK(options.image_height > 0 && options.image_width > 0, Code::shape, options.arch,
              " needs a positive image size, not ", options.image_height, " x ", options.image_width);
}

void check_options(const ResnetPlan&, const EncoderOptions& options) {
  GYRUS_CHECK(options.heads == 0, Code::invalid_argument, options.arch,
              " has no attention heads: leave out heads = ", options.heads);
  GYRUS_CHECK(!options.has_trainable_positions && !options.has_frozen_patch_projection, Code::invalid_argument,
              options.arch, " has neither positions nor patches: leave out the options that treat them");
}

void check_options(const VitPlan& plan, const EncoderOptions& options) {
  GYRUS_CHECK(options.image_height % plan.patch == 0 && options.image_width % plan.patch == 0, Code::shape,
              options.arch, " cuts images into patches of ", plan.patch, " px, which do not fit ", options.image_height,
              " x ", options.image_width, " px; take multiples of ", plan.patch);
  GYRUS_CHECK(options.heads >= 0 && (options.heads == 0 || plan.width % options.heads == 0), Code::invalid_argument,
              options.arch, " cannot split its ", plan.width, " features over ", options.heads,
              " heads; take a divisor of ", plan.width);
  GYRUS_CHECK(!options.has_zero_init_residual, Code::invalid_argument, options.arch,
              " has no batch norm to start at zero: leave out has_zero_init_residual");
}

const Architecture& checked_architecture(const EncoderOptions& options) {
  const Architecture& architecture = find_architecture(options.arch);
  check_image(options);
  std::visit([&](const auto& plan) { check_options(plan, options); }, architecture.plan);
  return architecture;
}

std::int64_t branches_of(const ResnetPlan&) { return 0; }
std::int64_t branches_of(const VitPlan& plan) { return 2 * plan.depth; }

std::int64_t width_of(const ResnetPlan& plan) { return plan.feature_dim(); }
std::int64_t width_of(const VitPlan& plan) { return plan.width; }

}  // namespace

graph::ParameterSpecs encoder_parameters(const EncoderOptions& options) {
  const Architecture& architecture = checked_architecture(options);
  if (const auto* resnet = std::get_if<ResnetPlan>(&architecture.plan)) return resnet_parameters(*resnet, options);
  return vit_parameters(std::get<VitPlan>(architecture.plan), options);
}

std::string head_name(const EncoderOptions& options) {
  return std::holds_alternative<ResnetPlan>(find_architecture(options.arch).plan) ? "fc" : "head";
}

bool has_first_stride(const EncoderOptions& options) {
  const auto* const resnet = std::get_if<ResnetPlan>(&find_architecture(options.arch).plan);
  return resnet != nullptr && resnet->has_first_stride;
}

int attention_heads(const EncoderOptions& options) {
  const auto* const vit = std::get_if<VitPlan>(&find_architecture(options.arch).plan);
  return vit == nullptr ? 0 : options.heads == 0 ? vit->heads : options.heads;
}

std::int64_t feature_dim(const EncoderOptions& options) {
  return std::visit([](const auto& plan) { return width_of(plan); }, find_architecture(options.arch).plan);
}

std::int64_t residual_branches(const EncoderOptions& options) {
  return std::visit([](const auto& plan) { return branches_of(plan); }, find_architecture(options.arch).plan);
}

graph::ValueId encoder_features(Scope& scope, graph::ValueId x, const EncoderOptions& options) {
  const Architecture& architecture = checked_architecture(options);
  const Shape& shape = scope.graph.value(x).shape();
  GYRUS_CHECK(shape.rank() == 4 && shape[1] == options.image_height && shape[2] == options.image_width &&
                  shape[3] == options.channels,
              Code::shape, options.arch, " was asked to take images [N, ", options.image_height, ", ",
              options.image_width, ", ", options.channels, "] but is given ", shape);
  if (const auto* resnet = std::get_if<ResnetPlan>(&architecture.plan)) {
    return resnet_features(scope, x, *resnet, options);
  }
  return vit_features(scope, x, std::get<VitPlan>(architecture.plan), options);
}

}  // namespace gyrus::nn
