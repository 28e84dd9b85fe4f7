// The optimizers and the momentum encoder's average, swept over the store's arenas segment by segment. lr, weight decay
// and step come from Hyper. Slots start at zero: sgd and lars keep their momentum buffer in slot 0, adamw keeps the
// first moment in slot 0 and the second in slot 1.
#include <algorithm>
#include <cmath>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {
namespace {

// One parameter tensor with its gradient and optimizer state.
struct Parameter {
  double *value, *gradient, *slot0, *slot1;
  std::int64_t count;
  double weight_decay, lr;
  bool has_lars_adaptation;
};

double* offset_by(void* arena, std::int64_t offset) { return arena ? static_cast<double*>(arena) + offset : nullptr; }

template <class Update>
void for_each_parameter(const Call& call, Update update) {
  const ArenaView& arenas = call.arenas;
  for (const Segment& segment : arenas.segments) {
    GYRUS_ASSERT(segment.offset + segment.count <= arenas.trainable_count);
    update(Parameter{offset_by(arenas.parameters, segment.offset), offset_by(arenas.gradients, segment.offset),
                     offset_by(arenas.slot0, segment.offset), offset_by(arenas.slot1, segment.offset), segment.count,
                     segment.has_weight_decay ? double{call.hyper->weight_decay} : 0.0,
                     double{call.hyper->lr} * double{segment.lr_scale}, segment.has_lars_adaptation});
  }
}

double norm(const double* values, std::int64_t count) {
  double squares = 0;
  for (std::int64_t i = 0; i < count; ++i) squares += values[i] * values[i];
  return std::sqrt(squares);
}

// science.md B5: d = g + wd p; q = trust |p| / |d| if both norms are positive, else 1. No eps, no clip.
double moco_v3_rate(const Parameter& p, const graph::LarsAttrs& attrs) {
  double squares = 0;
  for (std::int64_t i = 0; i < p.count; ++i) squares += std::pow(p.gradient[i] + p.weight_decay * p.value[i], 2);
  const double value_norm = norm(p.value, p.count), direction_norm = std::sqrt(squares);
  return value_norm > 0 && direction_norm > 0 ? double{attrs.trust} * value_norm / direction_norm : 1;
}

// science.md B10: q = trust |p| / (|g| + wd |p| + eps), clipped to min(q / lr, 1).
double solo_learn_rate(const Parameter& p, const graph::LarsAttrs& attrs, double lr) {
  const double value_norm = norm(p.value, p.count), gradient_norm = norm(p.gradient, p.count);
  const double rate = attrs.trust * value_norm / (gradient_norm + p.weight_decay * value_norm + attrs.eps);
  return attrs.clip ? std::min(rate / lr, 1.0) : rate;
}

}  // namespace

// torch.optim.SGD: g += wd p; the buffer's first value is g itself, later b <- momentum b + (1 - dampening) g;
// p -= lr (nesterov ? g + momentum b : b). Without momentum there is no buffer and no dampening.
void sgd_update(const Call& call) {
  const auto& attrs = call.attrs_as<graph::SgdAttrs>();
  const double momentum = attrs.momentum, dampening = attrs.dampening;
  for_each_parameter(call, [&](const Parameter& p) {
    for (std::int64_t i = 0; i < p.count; ++i) {
      const double gradient = p.gradient[i] + p.weight_decay * p.value[i];
      double direction = gradient;
      if (momentum != 0) {
        p.slot0[i] = call.hyper->step == 1 ? gradient : momentum * p.slot0[i] + (1 - dampening) * gradient;
        direction = attrs.nesterov ? gradient + momentum * p.slot0[i] : p.slot0[i];
      }
      p.value[i] -= p.lr * direction;
    }
  });
}

// torch.optim.AdamW (science.md B6): decoupled decay first, then p -= lr/(1-b1^t) m / (sqrt(v/(1-b2^t)) + eps).
void adamw_update(const Call& call) {
  const auto& attrs = call.attrs_as<graph::AdamwAttrs>();
  const double beta1 = attrs.beta1, beta2 = attrs.beta2;
  const auto step = static_cast<double>(call.hyper->step);
  const double correction1 = 1 - std::pow(beta1, step), correction2 = 1 - std::pow(beta2, step);
  for_each_parameter(call, [&](const Parameter& p) {
    for (std::int64_t i = 0; i < p.count; ++i) {
      const double gradient = p.gradient[i];
      p.value[i] *= 1 - p.lr * p.weight_decay;
      p.slot0[i] = beta1 * p.slot0[i] + (1 - beta1) * gradient;
      p.slot1[i] = beta2 * p.slot1[i] + (1 - beta2) * gradient * gradient;
      p.value[i] -= p.lr / correction1 * p.slot0[i] / (std::sqrt(p.slot1[i] / correction2) + attrs.eps);
    }
  });
}

// d = q (g + wd p); mu <- momentum mu + d; p -= lr mu. Segments without adaptation have q = 1.
void lars_update(const Call& call) {
  const auto& attrs = call.attrs_as<graph::LarsAttrs>();
  for_each_parameter(call, [&](const Parameter& p) {
    const bool is_solo = attrs.variant == graph::LarsVariant::solo_learn;
    double rate = 1, decay = p.weight_decay;
    if (p.has_lars_adaptation && !is_solo) rate = moco_v3_rate(p, attrs);
    if (p.has_lars_adaptation && is_solo) {
      // Where a norm is zero, solo-learn's LARS neither scales nor decays.
      if (norm(p.value, p.count) > 0 && norm(p.gradient, p.count) > 0)
        rate = solo_learn_rate(p, attrs, p.lr);
      else
        decay = 0;
    }
    for (std::int64_t i = 0; i < p.count; ++i) {
      const double direction = rate * (p.gradient[i] + decay * p.value[i]);
      p.slot0[i] = attrs.momentum * p.slot0[i] + direction;
      p.value[i] -= p.lr * p.slot0[i];
    }
  });
}

// First part: accumulator = gradient; between: accumulator += gradient; last: gradient += accumulator.
void gradient_accumulate(const Call& call) {
  const StepPart part = call.hyper->part;
  if (part == StepPart::whole) return;
  auto* gradients = static_cast<double*>(call.arenas.gradients);
  auto* sums = static_cast<double*>(call.arenas.accumulator);
  for (std::int64_t i = 0; i < call.arenas.trainable_count; ++i) {
    if (part == StepPart::first) sums[i] = gradients[i];
    if (part == StepPart::middle) sums[i] += gradients[i];
    if (part == StepPart::last) gradients[i] += sums[i];
  }
}

void ema_update(const Call& call) {
  const double momentum = call.hyper->ema_momentum;
  const auto* parameters = static_cast<const double*>(call.arenas.parameters);
  auto* ema = static_cast<double*>(call.arenas.ema);
  for (std::int64_t i = 0; i < call.arenas.ema_count; ++i) ema[i] = momentum * ema[i] + (1 - momentum) * parameters[i];
}

}  // namespace gyrus::backend::reference
