#include "features/lbfgs.h"

#include <cmath>
#include <deque>
#include <numeric>
#include <utility>

namespace gyrus::features {
namespace {

constexpr std::size_t kMemory = 10;
constexpr int kMostHalvings = 20;
constexpr double kDecrease = 1e-4;  // of what the slope promises
constexpr double kRounding = 1e-6;  // of the value: nearer to the minimum, gradients tell more than values

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

void add(Vector& to, double factor, const Vector& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

// A move, and by how much the gradient changed with it.
struct Change {
  Vector x, gradient;
  double product;
};

Vector direction(const Objective& objective, const std::deque<Change>& changes, const Vector& gradient) {
  Vector q = gradient;
  std::vector<double> factors(changes.size());
  for (std::size_t i = changes.size(); i-- > 0;) {
    factors[i] = dot(changes[i].x, q) / changes[i].product;
    add(q, -factors[i], changes[i].gradient);
  }
  objective.precondition(q);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    add(q, factors[i] - dot(changes[i].gradient, q) / changes[i].product, changes[i].x);
  }
  return q;
}

}  // namespace

Minimum minimise(const Objective& objective, Vector x, double vanished, int iterations) {
  Vector gradient(x.size()), next_gradient(x.size());
  double value = objective.evaluate(x, gradient);
  const double first_norm = std::sqrt(dot(gradient, gradient));
  std::deque<Change> changes;
  int done = 0;
  for (; done < iterations && std::sqrt(dot(gradient, gradient)) > vanished * first_norm; ++done) {
    const Vector downhill = direction(objective, changes, gradient);
    const double slope = dot(downhill, gradient);
    double step = 1, next_value = 0;
    Vector next;
    int halvings = 0;
    for (; halvings <= kMostHalvings; ++halvings, step /= 2) {
      next = x;
      add(next, -step, downhill);
      next_value = objective.evaluate(next, next_gradient);
      const bool is_less = next_value <= value - kDecrease * step * slope;
      // Hager and Zhang 2005, (4.1): what Armijo's condition says of a parabola, from the slopes at both ends.
      const bool has_turned = -dot(downhill, next_gradient) <= (1 - 2 * kDecrease) * slope;
      if (is_less || (has_turned && next_value <= value + kRounding * std::abs(value))) break;
    }
    if (halvings > kMostHalvings) break;
    Change change{next, next_gradient, 0};
    add(change.x, -1, x);
    add(change.gradient, -1, gradient);
    change.product = dot(change.x, change.gradient);
    if (change.product > 0) changes.push_back(std::move(change));
    if (changes.size() > kMemory) changes.pop_front();
    x.swap(next);
    gradient.swap(next_gradient);
    value = next_value;
  }
  return {std::move(x), value, done};
}

}  // namespace gyrus::features
