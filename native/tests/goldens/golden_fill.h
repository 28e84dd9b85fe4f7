// What the tensors of a golden hold, from their names: the twin of test/goldens/fill.py, equal to the last bit.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/shape.h"

namespace gyrus::tests {

constexpr std::uint64_t kGoldenSeed = 20240613;

// In [-1, 1).
std::vector<float> golden_uniform(const std::string& name, std::int64_t count);
// Odd multiples of 1/256 in (-1, 1): exact in bf16 and never zero.
std::vector<double> golden_coarse(const std::string& name, std::int64_t count);
// A parameter or buffer of a model; the name decides what kind of number it gets. `last_norm`: the batch norm that ends
// a residual block ("bn2", "bn3").
std::vector<float> golden_parameter(const std::string& name, const Shape& shape, const std::string& last_norm);
// [N, C, H, W]: squares of 32 px with noise on top.
std::vector<float> golden_image(const std::string& name, const Shape& shape);

// The 2-norm of a tensor, and its products with eight random sign vectors. Of two tensors' products the mean squared
// difference is an unbiased estimate of |a - b|^2: so nine numbers allow a norm-wise comparison of whole tensors.
using Fingerprint = std::array<double, 9>;
Fingerprint fingerprint(const std::string& name, std::span<const float> values);
Fingerprint fingerprint(const std::string& name, std::span<const double> values);
// Estimate of |a - b| / |b| where `expected` is of b.
double fingerprint_error(const Fingerprint& found, std::span<const double, 9> expected);

}  // namespace gyrus::tests
