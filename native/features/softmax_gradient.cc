#include "features/softmax_gradient.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "features/dot_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "features/softmax_gradient.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::features {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void add_scaled(const float* rows, std::span<const float> factors, std::size_t dim, float* sum) {
  const hn::ScalableTag<float> d;
  std::size_t row = 0;
  for (; row + 4 <= factors.size(); row += 4) {
    const float* const x = rows + row * dim;
    const auto f0 = hn::Set(d, factors[row]), f1 = hn::Set(d, factors[row + 1]);
    const auto f2 = hn::Set(d, factors[row + 2]), f3 = hn::Set(d, factors[row + 3]);
    std::size_t i = 0;
    for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
      auto value = hn::MulAdd(f0, hn::LoadU(d, x + i), hn::LoadU(d, sum + i));
      value = hn::MulAdd(f1, hn::LoadU(d, x + dim + i), value);
      value = hn::MulAdd(f2, hn::LoadU(d, x + 2 * dim + i), value);
      hn::StoreU(hn::MulAdd(f3, hn::LoadU(d, x + 3 * dim + i), value), d, sum + i);
    }
    for (; i < dim; ++i) {
      for (std::size_t r = 0; r < 4; ++r) sum[i] += factors[row + r] * x[r * dim + i];
    }
  }
  for (; row < factors.size(); ++row) {
    for (std::size_t i = 0; i < dim; ++i) sum[i] += factors[row] * rows[row * dim + i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::features
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::features {
namespace {

constexpr std::size_t kRows = 16;  // that are still in the cache when their gradient is added

// Turns a row of logits into softmax minus one-hot, and returns the cross-entropy.
double to_residual(std::span<float> logits, std::int32_t label) {
  const float most = *std::max_element(logits.begin(), logits.end());
  const double shifted = static_cast<double>(logits[static_cast<std::size_t>(label)] - most);
  double sum = 0;
  for (float& logit : logits) {
    logit = std::exp(logit - most);
    sum += static_cast<double>(logit);
  }
  for (float& logit : logits) logit = static_cast<float>(static_cast<double>(logit) / sum);
  logits[static_cast<std::size_t>(label)] -= 1;
  return std::log(sum) - shifted;
}

}  // namespace

HWY_EXPORT(add_scaled);

void add_scaled_rows(std::span<const float> rows, std::span<const float> factors, std::size_t dim, float* sum) {
  GYRUS_ASSERT(rows.size() == factors.size() * dim);
  HWY_DYNAMIC_DISPATCH(add_scaled)(rows.data(), factors, dim, sum);
}

double softmax_gradient(const SoftmaxProblem& problem, std::span<const float> weights, std::span<float> gradient) {
  const auto [rows, labels, dim, classes] = problem;
  GYRUS_ASSERT(rows.size() == labels.size() * dim && weights.size() == classes * (dim + 1));
  GYRUS_ASSERT(gradient.size() == weights.size());
  std::vector<float> matrix(classes * dim), logits(kRows * classes), factors(kRows);
  for (std::size_t c = 0; c < classes; ++c) std::copy_n(&weights[c * (dim + 1)], dim, &matrix[c * dim]);
  std::fill(gradient.begin(), gradient.end(), 0.0F);
  double loss = 0;
  for (std::size_t first = 0; first < labels.size(); first += kRows) {
    const std::size_t count = std::min(kRows, labels.size() - first);
    const std::span<const float> block = rows.subspan(first * dim, count * dim);
    dot_rows(block, matrix, dim, {logits.data(), count * classes});
    for (std::size_t row = 0; row < count; ++row) {
      const std::span<float> own{&logits[row * classes], classes};
      for (std::size_t c = 0; c < classes; ++c) own[c] += weights[c * (dim + 1) + dim];
      loss += to_residual(own, labels[first + row]);
    }
    for (std::size_t c = 0; c < classes; ++c) {
      for (std::size_t row = 0; row < count; ++row) {
        factors[row] = logits[row * classes + c];
        gradient[c * (dim + 1) + dim] += factors[row];
      }
      add_scaled_rows(block, {factors.data(), count}, dim, &gradient[c * (dim + 1)]);
    }
  }
  const double scale = 1.0 / static_cast<double>(labels.size());
  for (float& value : gradient) value = static_cast<float>(static_cast<double>(value) * scale);
  return loss * scale;
}

}  // namespace gyrus::features
#endif
