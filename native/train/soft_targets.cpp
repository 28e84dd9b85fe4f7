#include "train/soft_targets.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::train {
namespace {

class Targets {
 public:
  Targets(const TargetRule& rule, std::size_t rows) : rule_(rule), sums_(rows * classes()) {}

  void add(std::size_t row, std::int32_t label, double share) {
    const double each = rule_.smoothing / static_cast<double>(rule_.classes);
    for (std::size_t k = 0; k < classes(); ++k) {
      const double target = (static_cast<std::int32_t>(k) == label ? 1 - rule_.smoothing : 0) + each;
      sums_[row * classes() + k] += share * weight(k) * target;
    }
    total_ += share * weight(static_cast<std::size_t>(label));
  }

  void write(std::span<float> out) const {
    std::transform(sums_.begin(), sums_.end(), out.begin(),
                   [this](double sum) { return static_cast<float>(sum / total_); });
  }

 private:
  std::size_t classes() const { return static_cast<std::size_t>(rule_.classes); }
  double weight(std::size_t k) const { return rule_.weights.empty() ? 1 : static_cast<double>(rule_.weights[k]); }

  const TargetRule& rule_;
  std::vector<double> sums_;
  double total_ = 0;
};

}  // namespace

void make_targets(const TargetRule& rule, std::span<const std::int32_t> labels, double own, std::span<float> targets) {
  GYRUS_ASSERT(targets.size() == labels.size() * static_cast<std::size_t>(rule.classes));
  Targets sums(rule, labels.size());
  for (std::size_t row = 0; row < labels.size(); ++row) {
    sums.add(row, labels[row], own);
    if (own < 1) sums.add(row, labels[labels.size() - 1 - row], 1 - own);
  }
  sums.write(targets);
}

void mix_images(std::span<const float> x, std::int64_t count, float own, std::span<float> out) {
  const auto rows = static_cast<std::size_t>(count), elements = x.size() / rows;
  GYRUS_ASSERT(x.size() == out.size() && rows * elements == x.size());
  for (std::size_t row = 0; row < rows; ++row) {
    const float *a = &x[row * elements], *b = &x[(rows - 1 - row) * elements];
    float* to = &out[row * elements];
    for (std::size_t i = 0; i < elements; ++i) to[i] = own * a[i] + (1 - own) * b[i];
  }
}

}  // namespace gyrus::train
