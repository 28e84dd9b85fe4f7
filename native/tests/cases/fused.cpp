// Convolutions and products with what the backends may do to their sums before they are stored: batch norms with known
// statistics, a residual, a relu; the statistics of a training batch norm; GELU.
#include <string>
#include <vector>

#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

struct Layer {
  Shape x;
  std::int64_t out;
  int kernel, stride, padding;
};

enum class Tail { norm, relu, residual };

OpCase normed(const Layer& c, Tail tail, bool has_affine) {
  const auto build = [=](CaseGraph& g) {
    const ValueId x = g.activation("x", c.x);
    const ValueId w = g.parameter("w", {c.out, c.x.back(), c.kernel, c.kernel});
    const ValueId sums = graph::conv2d(g.graph(), x, w, std::nullopt, c.stride, c.padding, "conv");
    graph::BatchNormParameters parameters;
    if (has_affine) {
      parameters.gamma = g.parameter("gamma", {c.out}, Fill::around_one);
      parameters.beta = g.parameter("beta", {c.out}, Fill::small);
    }
    parameters.running_mean = g.buffer("running_mean", {c.out}, Fill::small);
    parameters.running_var = g.buffer("running_var", {c.out}, Fill::positive);
    ValueId y = graph::batch_norm_inference(g.graph(), sums, parameters, 1e-5F, "bn");
    if (tail == Tail::residual) {
      y = graph::add(g.graph(), y, g.activation("residual", g.graph().value(y).shape()), "sum");
    }
    if (tail != Tail::norm) y = graph::relu(g.graph(), y, "relu");
    g.plain_result(y, "y");
  };
  const char* const names[] = {"", " relu", " residual relu"};
  OpCase one{.name = text(c.x, " to ", c.out, ", ", c.kernel, 'x', c.kernel, " stride ", c.stride, " batch_norm",
                          has_affine ? "" : " without affine", names[static_cast<int>(tail)]),
             .build = build};
  one.is_fused = tail != Tail::norm;
  one.is_differentiable = false;
  // Weights are rounded after the norm's scale went into them, and its shift is rounded too.
  one.tolerance.bf16 = 6e-3;
  return one;
}

std::vector<OpCase> normed_cases() {
  std::vector<OpCase> cases;
  for (const Tail tail : {Tail::norm, Tail::relu, Tail::residual}) {
    cases.push_back(normed({{2, 5, 6, 8}, 16, 3, 1, 1}, tail, true));
    cases.push_back(normed({{1, 7, 5, 16}, 24, 1, 2, 0}, tail, tail != Tail::relu));
  }
  return cases;
}

// A training batch norm behind a convolution, of rows enough that their sums are worth asking for.
OpCase trained(const Shape& x, std::int64_t out, int kernel, bool has_running) {
  const auto build = [=](CaseGraph& g) {
    const ValueId w = g.parameter("w", {out, x.back(), kernel, kernel});
    const ValueId sums = graph::conv2d(g.graph(), g.activation("x", x), w, std::nullopt, 1, kernel / 2, "conv");
    graph::BatchNormParameters parameters;
    parameters.gamma = g.parameter("gamma", {out}, Fill::around_one);
    parameters.beta = g.parameter("beta", {out}, Fill::small);
    if (has_running) {
      parameters.running_mean = g.buffer("running_mean", {out}, Fill::small);
      parameters.running_var = g.buffer("running_var", {out}, Fill::positive);
    }
    const ValueId y = graph::batch_norm(g.graph(), sums, parameters, 1e-5F, 0.1F, "bn");
    g.seeded_result(y, "y");
  };
  OpCase one{
      .name = text(x, " to ", out, ", ", kernel, 'x', kernel, " training batch_norm", has_running ? ", running" : ""),
      .build = build};
  one.is_small = false;
  // Rounded to bf16 after the convolution and after the norm, and again on the way back.
  one.tolerance.bf16 = 1e-2;
  return one;
}

std::vector<OpCase> trained_cases() {
  return {trained({2, 48, 48, 8}, 16, 1, true), trained({1, 64, 65, 16}, 8, 3, false)};
}

OpCase linear_gelu(const std::string& name, std::int64_t rows, std::int64_t in, std::int64_t out) {
  const auto build = [=](CaseGraph& g) {
    const ValueId x = g.activation("x", {rows, in}), w = g.parameter("w", {out, in}), b = g.parameter("b", {out});
    g.plain_result(graph::gelu(g.graph(), graph::linear(g.graph(), x, w, b, "fc"), "gelu"), "y");
  };
  OpCase one{.name = name, .build = build};
  one.is_fused = true;
  one.is_differentiable = false;
  return one;
}

}  // namespace

std::vector<OpCase> fused_cases() {
  std::vector<OpCase> cases = normed_cases();
  for (OpCase& one : trained_cases()) cases.push_back(std::move(one));
  cases.push_back(linear_gelu("linear gelu", 9, 16, 24));
  // Enough terms that a GPU chooses between ways.
  cases.push_back(linear_gelu("linear gelu, many terms", 1025, 512, 512));
  return cases;
}

void fused(Suite& suite) { run_cases(suite, fused_cases()); }

}  // namespace gyrus::tests::suites
