// Which residual branches a step leaves out (Huang et al. 2016), drawn by counter: a function of (seed, step, branch,
// image).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::train {

class StochasticDepth {
 public:
  // `branches`: two a block. The first block's are never left out, the last one's with chance `rate`, the others' with
  // chances in between (timm's linspace).
  StochasticDepth(std::int64_t branches, std::int64_t images, float rate, std::uint64_t seed);

  // [branches, images]: 0, or 1 over the chance to be kept. Valid until the next call.
  const float* draw(std::int64_t step);
  bool is_on() const { return !factors_.empty(); }
  std::int64_t branches() const { return branches_; }

 private:
  std::int64_t branches_, images_;
  double rate_;
  std::uint64_t seed_;
  std::vector<float> factors_;  // empty: nothing is left out
};

}  // namespace gyrus::train
