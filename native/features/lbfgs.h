// L-BFGS (Nocedal 1980; Nocedal and Wright, Numerical Optimization, algorithm 7.5) for a smooth convex function, with
// the caller's approximation of the inverse Hessian to start from.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace gyrus::features {

struct Objective {
  // The value at x, whose gradient is written.
  std::function<double(std::span<const double> x, std::span<double> gradient)> evaluate;
  // q <- H q, where H is about the inverse Hessian: symmetric, positive definite, the same at every call.
  std::function<void(std::span<double> q)> precondition;
};

struct Minimum {
  std::vector<double> x;
  double value = 0;
  int iterations = 0;
};

// From x until the gradient's norm is `vanished` of the first one's, after `iterations`, or when no step along the
// direction makes the value less.
Minimum minimise(const Objective& objective, std::vector<double> x, double vanished, int iterations);

}  // namespace gyrus::features
