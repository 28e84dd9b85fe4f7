#include "train/optimizer.h"

#include <cmath>

#include "graph/ops.h"

namespace gyrus::train {
namespace {

bool is_lars(const OptimizerOptions& options) { return options.name == "lars" || options.name == "lars_solo"; }

void check_range(const char* what, float value, float least, float below) {
  GYRUS_CHECK(std::isfinite(value) && value >= least && value < below, Code::invalid_argument, "the optimizer's ", what,
              " must lie in [", least, ", ", below, "), not be ", value);
}

}  // namespace

void check_optimizer(const OptimizerOptions& options) {
  GYRUS_CHECK(options.name == "adamw" || options.name == "sgd" || is_lars(options), Code::invalid_argument,
              "the optimizer must be 'adamw', 'lars', 'lars_solo' or 'sgd', not '", options.name, "'");
  constexpr float kAny = 1e9F;
  check_range("weight decay", options.weight_decay, 0, kAny);
  check_range("beta1", options.beta1, 0, 1);
  check_range("beta2", options.beta2, 0, 1);
  check_range("eps", options.eps, 0, kAny);
  check_range("momentum", options.momentum, 0, 1);
  check_range("trust", options.trust, 0, kAny);
}

int slot_count(const OptimizerOptions& options) {
  if (options.name == "adamw") return 2;
  return options.name == "sgd" && options.momentum == 0 ? 0 : 1;
}

void apply_decay_rule(const OptimizerOptions& options, graph::ParameterSpecs& specs) {
  const bool spares_vectors = is_lars(options) || !options.decays_vectors;
  for (graph::ParameterSpec& spec : specs) {
    // timm's list: a ViT's class token and positions are vectors, whatever axes they have.
    const bool is_token = !options.decays_vectors && (spec.name == "cls_token" || spec.name == "pos_embed");
    spec.has_weight_decay = !(spares_vectors && spec.shape.rank() <= 1) && !is_token;
  }
}

std::vector<graph::ValueId> gradients_of(const graph::Graph& graph) {
  std::vector<graph::ValueId> gradients;
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    if (graph.values()[v].role == graph::Role::gradient) gradients.push_back({static_cast<std::int32_t>(v)});
  }
  return gradients;
}

void add_update(graph::Graph& graph, const OptimizerOptions& options) {
  std::vector<graph::ValueId> gradients = gradients_of(graph);
  if (options.name == "adamw") {
    graph::adamw_update(graph, std::move(gradients), {options.beta1, options.beta2, options.eps});
  } else if (options.name == "sgd") {
    graph::sgd_update(graph, std::move(gradients), {options.momentum, 0.0F, options.nesterov});
  } else {
    graph::LarsAttrs attrs;
    attrs.variant = options.name == "lars" ? graph::LarsVariant::moco_v3 : graph::LarsVariant::solo_learn;
    attrs.momentum = options.momentum;
    attrs.trust = options.trust;
    graph::lars_update(graph, std::move(gradients), attrs);
  }
}

}  // namespace gyrus::train
