#include "features/linear_probe.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/threads.h"
#include "features/cholesky.h"
#include "features/dot_rows.h"
#include "features/gram.h"
#include "features/lbfgs.h"
#include "features/softmax_gradient.h"
#include "features/standard.h"
#include "features/team.h"

namespace gyrus::features {
namespace {

constexpr double kVanished = 1e-5;           // of the first gradient's norm
constexpr double kLeastRidge = 1e-6;         // so that features which depend on each other can be told apart
constexpr std::size_t kMostFactored = 4096;  // features: 64 MB and 23 billion operations
constexpr std::size_t kRowsOfADimension = 4, kEnoughRows = 5000;  // that are enough for the preconditioner

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

// The inverse of (variance x^T x / n + l2), for each class alike: where all classes are as likely, which is where the
// solution starts from, that is the Hessian, with 1 / classes for the variance. Some of the rows are enough to tell.
class Preconditioner {
 public:
  Preconditioner(std::span<const float> rows, const LinearProbeOptions& options, int threads)
      : dim_(options.dim),
        classes_(options.classes),
        threads_(threads),
        variance_(1.0 / static_cast<double>(classes_)) {
    if (dim_ > kMostFactored) return;
    const std::size_t count = rows.size() / dim_;
    const std::size_t step = std::max<std::size_t>(count / std::max(kRowsOfADimension * dim_, kEnoughRows), 1);
    std::vector<float> matrix = gram(rows, dim_, step, threads);
    for (float& value : matrix) value *= static_cast<float>(variance_);
    for (double ridge = std::max(options.l2, kLeastRidge); !factored_ || !factored_->is_definite(); ridge *= 10) {
      std::vector<float> ridged = matrix;
      for (std::size_t i = 0; i < dim_; ++i) ridged[i * (dim_ + 1)] += static_cast<float>(ridge);
      factored_.emplace(std::move(ridged), dim_, threads);
    }
  }

  void apply(std::span<double> q) const {
    for_pieces(classes_, threads_, [&](std::size_t c) {
      const std::span<double> own = q.subspan(c * (dim_ + 1), dim_ + 1);
      own[dim_] /= variance_;
      if (!factored_) {
        // The features have variance 1.
        for (double& value : own.first(dim_)) value /= variance_;
        return;
      }
      std::vector<float> x(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(dim_));
      factored_->solve(x);
      std::copy(x.begin(), x.end(), own.begin());
    });
  }

 private:
  std::size_t dim_, classes_;
  int threads_;
  double variance_;
  std::optional<Cholesky> factored_;
};

Minimum solve(const SoftmaxProblem& problem, const LinearProbeOptions& options, const std::atomic<bool>& stop,
              int threads) {
  const std::size_t stride = problem.dim + 1, size = problem.classes * stride;
  const Preconditioner preconditioner(problem.rows, options, threads);
  Objective objective;
  objective.evaluate = [&](std::span<const double> x, std::span<double> gradient) {
    GYRUS_CHECK(!stop, Code::aborted, "the linear probe was cancelled");
    const std::vector<float> weights(x.begin(), x.end());
    double loss = softmax_gradient(problem, weights, gradient, threads);
    for (std::size_t at = 0; at < size; ++at) {
      if (at % stride == problem.dim) continue;
      gradient[at] += options.l2 * x[at];
      loss += 0.5 * options.l2 * x[at] * x[at];
    }
    return loss;
  };
  objective.precondition = [&](std::span<double> q) { preconditioner.apply(q); };
  return minimise(objective, std::vector<double>(size), kVanished, options.iterations);
}

}  // namespace

LinearProbeResult linear_probe(std::span<const float> train, std::span<const std::int32_t> labels,
                               std::span<const float> test, const LinearProbeOptions& options,
                               const std::atomic<bool>& stop) {
  check(train, labels, test, options);
  const std::size_t dim = options.dim, classes = options.classes;
  const int threads = resolve_threads(0);
  const Standard standard(train, dim, threads);
  const AlignedBuffer train_rows = standard.applied(train, "training", threads);
  const AlignedBuffer test_rows = standard.applied(test, "test", threads);
  const std::span<const float> rows{train_rows.as<float>(), train.size()}, tests{test_rows.as<float>(), test.size()};
  const Minimum solution = solve({rows, labels, dim, classes}, options, stop, threads);
  const std::vector<float> weights(solution.x.begin(), solution.x.end());
  LinearProbeResult result;
  result.logits.resize(tests.size() / dim * classes);
  result.weights.resize(classes * dim);
  result.bias.resize(classes);
  result.loss = solution.value;
  result.iterations = solution.iterations;
  standard.undo(weights, result.weights, result.bias);
  std::vector<float> matrix(classes * dim);
  for (std::size_t c = 0; c < classes; ++c) std::copy_n(&weights[c * (dim + 1)], dim, &matrix[c * dim]);
  dot_rows(tests, matrix, dim, result.logits);
  for (std::size_t at = 0; at < result.logits.size(); ++at) {
    result.logits[at] += weights[(at % classes) * (dim + 1) + dim];
  }
  return result;
}

}  // namespace gyrus::features
