#include "tests/goldens/rounding_noise.h"

#include <cmath>

namespace gyrus::tests {

double norm(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

double geometric_mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

void RoundingNoise::add(std::span<const double> runs) {
  const double mean = std::log(geometric_mean(runs));
  for (const double run : runs) squares_ += std::pow(std::log(run) - mean, 2);
  freedom_ += runs.size() - 1;
  runs_ = runs.size();
}

// Ours is one draw, PyTorch's mean one of `runs_`.
double RoundingNoise::deviation(std::size_t count) const {
  const double variance = squares_ / static_cast<double>(freedom_) * (1 + 1 / static_cast<double>(runs_));
  return std::sqrt(variance / static_cast<double>(count));
}

double RoundingNoise::factor(double deviations) const { return std::exp(deviations * deviation()); }

}  // namespace gyrus::tests
