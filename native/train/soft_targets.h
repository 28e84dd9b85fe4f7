// What a classifier is asked for when labels are not the whole story: class weights, smoothed labels and mixtures.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::train {

struct TargetRule {
  std::int64_t classes = 0;
  double smoothing = 0;
  std::span<const float> weights{};  // one a class; empty: all 1
};

// targets [N, K]: row i is own t(label_i) + (1 - own) t(label_{N-1-i}), where t_k(y) = w_k ((1 - s) [k = y] + s / K),
// and all are divided by the sum of the labels' weights in the same mixture. With own = 1 the loss of
// soft_cross_entropy is torch.nn.functional.cross_entropy(weight, label_smoothing); with own < 1 it is mixup's own
// CE(y) + (1 - own) CE(y').
void make_targets(const TargetRule& rule, std::span<const std::int32_t> labels, double own, std::span<float> targets);

// out [N, elements]: own x_i + (1 - own) x_{N-1-i}.
void mix_images(std::span<const float> x, std::int64_t count, float own, std::span<float> out);

}  // namespace gyrus::train
