// One pass of softmax regression over a matrix of features.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gyrus::features {

struct SoftmaxProblem {
  std::span<const float> rows;           // [n, dim]
  std::span<const std::int32_t> labels;  // [n], each in [0, classes)
  std::size_t dim = 0, classes = 0;
};

// Of weights [classes, dim + 1], the last of each row the bias: returns the mean cross-entropy, and writes its
// gradient, of the weights' shape. Each row of features is read from memory once: 4 bytes and 4 * classes operations a
// feature.
double softmax_gradient(const SoftmaxProblem& problem, std::span<const float> weights, std::span<double> gradient,
                        int threads);

}  // namespace gyrus::features
