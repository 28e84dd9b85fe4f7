// How much of a difference between two bf16 computations means nothing. Which way numbers are rounded decides how far a
// result ends from the truth, so a golden holds the errors of several runs of PyTorch's autocast, equally good, whose
// logarithms have a standard deviation: what one run of ours may lie above their mean is so many of those.
#pragma once

#include <cstddef>
#include <span>

namespace gyrus::tests {

double norm(std::span<const double> values);
// Of positive numbers.
double geometric_mean(std::span<const double> values);

// One kind of error, pooled over all the cases that have it.
class RoundingNoise {
 public:
  void add(std::span<const double> runs);
  // Of the mean logarithm of `count` errors of ours over PyTorch's means, each of its own case.
  double deviation(std::size_t count = 1) const;
  // The factor by which one error may exceed the geometric mean of PyTorch's runs.
  double factor(double deviations) const;

 private:
  double squares_ = 0;
  std::size_t freedom_ = 0, runs_ = 0;
};

}  // namespace gyrus::tests
