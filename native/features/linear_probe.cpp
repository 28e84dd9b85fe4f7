#include "features/linear_probe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "features/dot_rows.h"
#include "features/softmax_gradient.h"

namespace gyrus::features {
namespace {

constexpr double kVanished = 1e-5;  // of the first gradient's norm
constexpr int kPowerIterations = 30;
constexpr double kEigenvalueMargin = 1.05;  // power iteration approaches from below

// Moves and scales columns to mean 0 and standard deviation 1 over the training rows.
class Standard {
 public:
  Standard(std::span<const float> rows, std::size_t dim) : mean_(dim), scale_(dim) {
    const std::size_t row_count = rows.size() / dim;
    const auto count = static_cast<double>(row_count);
    std::vector<double> squares(dim);
    for (std::size_t at = 0; at < rows.size(); ++at) mean_[at % dim] += static_cast<double>(rows[at]);
    for (double& mean : mean_) mean /= count;
    for (std::size_t at = 0; at < rows.size(); ++at) {
      const double off = static_cast<double>(rows[at]) - mean_[at % dim];
      squares[at % dim] += off * off;
    }
    for (std::size_t i = 0; i < dim; ++i) scale_[i] = squares[i] > 0 ? std::sqrt(count / squares[i]) : 0;
  }
  std::vector<float> applied(std::span<const float> rows, const char* name) const {
    std::vector<float> result(rows.size());
    const std::size_t dim = mean_.size();
    for (std::size_t at = 0; at < rows.size(); ++at) {
      result[at] = static_cast<float>((static_cast<double>(rows[at]) - mean_[at % dim]) * scale_[at % dim]);
      GYRUS_CHECK(std::isfinite(result[at]), Code::non_finite, "row ", at / dim, " of the ", name,
                  " features holds NaN or infinity; embed again with finite weights");
    }
    return result;
  }
  // A classifier of standardised rows, [classes, dim + 1] with the bias last, as one of rows that are not.
  void undo(std::span<const float> classifier, std::span<float> weights, std::span<float> bias) const {
    const std::size_t dim = mean_.size();
    for (std::size_t c = 0; c < bias.size(); ++c) {
      const std::span<const float> own = classifier.subspan(c * (dim + 1), dim + 1);
      double shift = static_cast<double>(own[dim]);
      for (std::size_t i = 0; i < dim; ++i) {
        const double weight = static_cast<double>(own[i]) * scale_[i];
        weights[c * dim + i] = static_cast<float>(weight);
        shift -= weight * mean_[i];
      }
      bias[c] = static_cast<float>(shift);
    }
  }

 private:
  std::vector<double> mean_, scale_;
};

double norm(std::span<const float> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

// The largest eigenvalue of rows^T rows / n, by power iteration; 1 at least, which is the biases'.
double largest_eigenvalue(std::span<const float> rows, std::size_t dim) {
  const std::size_t count = rows.size() / dim;
  std::vector<float> direction(dim, 1.0F), image(count), next(dim);
  double value = 0;
  for (int i = 0; i < kPowerIterations; ++i) {
    const double length = norm(direction);
    if (length == 0) break;
    for (float& one : direction) one = static_cast<float>(static_cast<double>(one) / length);
    dot_rows(rows, direction, dim, image);
    std::fill(next.begin(), next.end(), 0.0F);
    add_scaled_rows(rows, image, dim, next.data());
    value = norm(next) / static_cast<double>(count);
    direction.swap(next);
  }
  return std::max(1.0, value * kEigenvalueMargin);
}

void check(std::span<const float> train, std::span<const std::int32_t> labels, std::span<const float> test,
           const LinearProbeOptions& options) {
  const std::size_t dim = options.dim;
  GYRUS_CHECK(dim > 0 && test.size() % dim == 0 && train.size() == labels.size() * dim && !labels.empty(), Code::shape,
              "rows of ", dim, " features do not fit ", labels.size(), " labels, ", train.size(),
              " training numbers and ", test.size(), " test numbers");
  GYRUS_CHECK(options.classes >= 2 && options.iterations >= 1 && std::isfinite(options.l2) && options.l2 >= 0,
              Code::invalid_argument, "a linear probe needs 2 classes, 1 iteration and l2 >= 0 at least, not ",
              options.classes, ", ", options.iterations, " and ", options.l2);
  for (const std::int32_t label : labels) {
    GYRUS_CHECK(label >= 0 && static_cast<std::size_t>(label) < options.classes, Code::invalid_argument, "the label ",
                label, " is not in [0, ", options.classes, ")");
  }
}

struct Solution {
  std::vector<float> weights;
  double loss = 0;
  int iterations = 0;
};

Solution solve(const SoftmaxProblem& problem, const LinearProbeOptions& options, const std::atomic<bool>& stop) {
  const std::size_t stride = problem.dim + 1;
  Solution solution{std::vector<float>(problem.classes * stride)};
  std::vector<float> ahead = solution.weights, before = solution.weights, gradient(ahead.size());
  // The Hessian of softmax is at most a half.
  const double step = 1 / (0.5 * largest_eigenvalue(problem.rows, problem.dim) + options.l2);
  double first_norm = 0, pace = 1;
  for (; solution.iterations < options.iterations; ++solution.iterations) {
    GYRUS_CHECK(!stop, Code::aborted, "the linear probe was cancelled");
    solution.loss = softmax_gradient(problem, ahead, gradient);
    for (std::size_t at = 0; at < ahead.size(); ++at) {
      if (at % stride == problem.dim) continue;
      gradient[at] += static_cast<float>(options.l2) * ahead[at];
      solution.loss += 0.5 * options.l2 * static_cast<double>(ahead[at]) * static_cast<double>(ahead[at]);
    }
    const double size = norm(gradient);
    if (solution.iterations == 0) first_norm = size;
    if (size <= kVanished * first_norm) break;
    before.swap(solution.weights);
    double turn = 0;  // positive when the last move went uphill
    for (std::size_t at = 0; at < ahead.size(); ++at) {
      solution.weights[at] = ahead[at] - static_cast<float>(step) * gradient[at];
      turn += static_cast<double>(gradient[at]) * static_cast<double>(solution.weights[at] - before[at]);
    }
    const double next = turn > 0 ? 1 : 0.5 * (1 + std::sqrt(1 + 4 * pace * pace));
    const auto momentum = static_cast<float>(turn > 0 ? 0 : (pace - 1) / next);
    for (std::size_t at = 0; at < ahead.size(); ++at) {
      ahead[at] = solution.weights[at] + momentum * (solution.weights[at] - before[at]);
    }
    pace = next;
  }
  return solution;
}

}  // namespace

LinearProbeResult linear_probe(std::span<const float> train, std::span<const std::int32_t> labels,
                               std::span<const float> test, const LinearProbeOptions& options,
                               const std::atomic<bool>& stop) {
  check(train, labels, test, options);
  const std::size_t dim = options.dim, classes = options.classes;
  const Standard standard(train, dim);
  const std::vector<float> rows = standard.applied(train, "training"), tests = standard.applied(test, "test");
  const Solution solution = solve({rows, labels, dim, classes}, options, stop);
  LinearProbeResult result;
  result.logits.resize(tests.size() / dim * classes);
  result.weights.resize(classes * dim);
  result.bias.resize(classes);
  result.loss = solution.loss;
  result.iterations = solution.iterations;
  standard.undo(solution.weights, result.weights, result.bias);
  std::vector<float> matrix(classes * dim);
  for (std::size_t c = 0; c < classes; ++c) std::copy_n(&solution.weights[c * (dim + 1)], dim, &matrix[c * dim]);
  dot_rows(tests, matrix, dim, result.logits);
  for (std::size_t at = 0; at < result.logits.size(); ++at) {
    result.logits[at] += solution.weights[(at % classes) * (dim + 1) + dim];
  }
  return result;
}

}  // namespace gyrus::features
