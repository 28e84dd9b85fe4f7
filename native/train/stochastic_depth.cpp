#include "train/stochastic_depth.h"

#include <algorithm>

#include "core/philox.h"

namespace gyrus::train {

StochasticDepth::StochasticDepth(std::int64_t branches, std::int64_t images, float rate, std::uint64_t seed)
    : branches_(branches), images_(images), rate_(static_cast<double>(rate)), seed_(seed) {
  if (rate > 0) factors_.resize(static_cast<std::size_t>(branches * images));
}

const float* StochasticDepth::draw(std::int64_t step) {
  const Philox philox{seed_, stream_of("drop_path")};
  const auto first = static_cast<std::uint64_t>(step) * factors_.size();
  const std::int64_t last_block = std::max<std::int64_t>(1, branches_ / 2 - 1);
  for (std::size_t at = 0; at < factors_.size(); ++at) {
    const auto block = static_cast<std::int64_t>(at) / images_ / 2;
    const double kept = 1 - rate_ * static_cast<double>(block) / static_cast<double>(last_block);
    factors_[at] = static_cast<double>(philox.uniform(first + at)) < kept ? static_cast<float>(1 / kept) : 0.0F;
  }
  return factors_.data();
}

}  // namespace gyrus::train
