// What a linear classifier can read off frozen features: softmax regression, solved to its optimum rather than trained.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::features {

struct LinearProbeOptions {
  std::size_t dim = 0, classes = 0;
  double l2 = 1e-3;  // half of it times the squared weights (not the biases) is added to the mean cross-entropy
  int iterations = 1000;
};

struct LinearProbeResult {
  std::vector<float> logits;  // of the test rows, [tests, classes]
  // The classifier of features as they were given, not standardised: [classes, dim] and [classes].
  std::vector<float> weights, bias;
  double loss = 0;     // at the end, on the training rows, with the penalty
  int iterations = 0;  // done: fewer when the gradient has vanished
};

// train [n, dim] with labels [n] in [0, classes), test [m, dim]. Features are standardised by the training rows' mean
// and standard deviation; those that never change count nothing. The optimum is unique for l2 > 0, so the result does
// not depend on a learning rate, a batch, a seed or the number of threads: L-BFGS, preconditioned by the Hessian at the
// start, which a Cholesky factor of the features' correlations gives (for up to 4096 features).
// Throws Code::shape or invalid_argument for what does not fit, non_finite for NaN, aborted when `stop` is set.
LinearProbeResult linear_probe(std::span<const float> train, std::span<const std::int32_t> labels,
                               std::span<const float> test, const LinearProbeOptions& options,
                               const std::atomic<bool>& stop);

}  // namespace gyrus::features
