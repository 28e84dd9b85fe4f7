// batch_norm: training and inference, with and without affine parameters and running statistics, and the fused forms
// with relu, residual and a gradient in two summands.
#include <cmath>
#include <string>
#include <vector>

#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/harness/case_program.h"
#include "tests/harness/compare.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

constexpr float kEps = 1e-5F, kMomentum = 0.1F;

struct Norm {
  std::string name;
  Shape x;
  bool has_affine = true, has_running = true, has_relu = false, has_residual = false, is_fused = false, is_small = true;
  float eps = kEps;
};

graph::BatchNormParameters parameters_of(CaseGraph& g, std::int64_t channels, bool has_affine, bool has_running) {
  graph::BatchNormParameters parameters;
  if (has_affine) {
    parameters.gamma = g.parameter("gamma", {channels}, Fill::around_one);
    parameters.beta = g.parameter("beta", {channels}, Fill::small);
  }
  if (has_running) {
    parameters.running_mean = g.buffer("running_mean", {channels}, Fill::small);
    parameters.running_var = g.buffer("running_var", {channels}, Fill::positive);
  }
  return parameters;
}

// y = [relu](norm [+ residual]).
ValueId finish(CaseGraph& g, ValueId y, const Norm& norm) {
  if (norm.has_residual) y = graph::add(g.graph(), y, g.activation("residual", norm.x), "sum");
  return norm.has_relu ? graph::relu(g.graph(), y, "relu") : y;
}

OpCase training(const Norm& norm) {
  OpCase op_case{.name = norm.name, .build = [norm](CaseGraph& g) {
                   const ValueId x = g.activation("x", norm.x);
                   const auto parameters = parameters_of(g, norm.x.back(), norm.has_affine, norm.has_running);
                   const ValueId y = graph::batch_norm(g.graph(), x, parameters, norm.eps, kMomentum, "bn");
                   const graph::NodeId node = g.graph().value(y).producer;
                   g.plain_result(g.graph().output(node, 1), "mean");
                   g.plain_result(g.graph().output(node, 2), "inv_std");
                   g.seeded_result(finish(g, y, norm), "y");
                 }};
  op_case.is_fused = norm.is_fused;
  op_case.is_small = norm.is_small;
  return op_case;
}

OpCase inference(Norm norm) {
  norm.name = "inference: " + norm.name;
  OpCase op_case{.name = norm.name, .build = [norm](CaseGraph& g) {
                   const ValueId x = g.activation("x", norm.x);
                   const auto parameters = parameters_of(g, norm.x.back(), norm.has_affine, true);
                   g.plain_result(finish(g, graph::batch_norm_inference(g.graph(), x, parameters, kEps, "bn"), norm),
                                  "y");
                 }};
  op_case.is_fused = norm.is_fused;
  op_case.is_differentiable = false;
  return op_case;
}

// Two readers of relu(bn(x)): their gradients meet in front of batch_norm_grad, which then reads two summands.
OpCase gradient_in_two_summands(const Shape& shape, bool has_residual) {
  OpCase op_case{.name = has_residual ? "fused relu and residual, gradient in two summands"
                                      : "fused relu, gradient in two summands",
                 .build = [=](CaseGraph& g) {
                   Norm norm{.name = "", .x = shape, .has_relu = true};
                   norm.has_residual = has_residual;
                   const ValueId x = g.activation("x", shape);
                   const ValueId bn = graph::batch_norm(g.graph(), x, parameters_of(g, shape.back(), true, true), kEps,
                                                        kMomentum, "bn");
                   const ValueId y = finish(g, bn, norm);
                   std::vector<ValueId> branches;
                   for (const std::string branch : {"a", "b"}) {
                     const ValueId w = g.parameter("w_" + branch, {3, shape.back()});
                     branches.push_back(graph::linear(g.graph(), y, w, std::nullopt, "linear_" + branch));
                   }
                   g.seeded_result(graph::add(g.graph(), branches[0], branches[1], "join"), "joined");
                 }};
  op_case.is_fused = true;
  // In bf16 the two summands and y are rounded before they are used.
  op_case.tolerance.bf16 = 8e-3;
  return op_case;
}

void known_answers(Suite& suite) {
  suite.test("reference: running statistics move towards the mean and the unbiased variance", [](Check& check) {
    CaseGraph g(DType::f32, false);
    const ValueId x = g.activation("x", {3, 1});
    g.plain_result(graph::batch_norm(g.graph(), x, parameters_of(g, 1, false, true), kEps, 0.25F, "bn"), "y");
    CaseProgram program(g, g.lower(false), *backend::make_reference_backend());
    program.set_parameter("x", std::vector{1.0, 2.0, 6.0});  // mean 3, variance 14/3, unbiased 7
    program.set_parameter("running_mean", std::vector{1.0});
    program.set_parameter("running_var", std::vector{3.0});
    program.run();
    check_close(check, "running_mean", program.parameter("running_mean"), std::vector{1.5}, 1e-12);
    check_close(check, "running_var", program.parameter("running_var"), std::vector{4.0}, 1e-12);
    const double std = std::sqrt(14.0 / 3 + kEps);
    check_close(check, "y", program.output("y"), std::vector{-2 / std, -1 / std, 3 / std}, 1e-12);
  });
  suite.test("reference: inference uses the running statistics and leaves them", [](Check& check) {
    CaseGraph g(DType::f32, false);
    const ValueId x = g.activation("x", {2, 1});
    g.plain_result(graph::batch_norm_inference(g.graph(), x, parameters_of(g, 1, true, true), 1.0F, "bn"), "y");
    CaseProgram program(g, g.lower(false), *backend::make_reference_backend());
    program.set_parameter("x", std::vector{7.0, 1.0});
    program.set_parameter("gamma", std::vector{4.0});
    program.set_parameter("beta", std::vector{-1.0});
    program.set_parameter("running_mean", std::vector{5.0});
    program.set_parameter("running_var", std::vector{3.0});  // with eps = 1 the deviation is 2
    program.run();
    check_close(check, "y", program.output("y"), std::vector{3.0, -9.0}, 1e-12);
    check_close(check, "running_mean", program.parameter("running_mean"), std::vector{5.0}, 0);
    check_close(check, "running_var", program.parameter("running_var"), std::vector{3.0}, 0);
  });
  suite.test("one value a channel is refused", [](Check& check) {
    check.throws(Code::batch_too_small, "one row", [] {
      CaseGraph g(DType::f32, false);
      graph::batch_norm(g.graph(), g.activation("x", {1, 4}), {}, kEps, kMomentum, "bn");
    });
  });
}

}  // namespace

std::vector<OpCase> batch_norm_cases() {
  std::vector<OpCase> cases;
  for (const Norm& norm : std::vector<Norm>{
           {.name = "rows", .x = {5, 3}},
           // With two values and a small eps the gradient cancels down to rounding errors: a large one leaves something
           // to test.
           {.name = "two rows", .x = {2, 4}, .eps = 0.5F},
           {.name = "image", .x = {2, 3, 5, 7}},
           {.name = "one channel", .x = {2, 3, 5, 1}},
           {.name = "without affine", .x = {6, 5}, .has_affine = false},
           {.name = "without running statistics", .x = {6, 5}, .has_running = false},
           {.name = "bare", .x = {6, 5}, .has_affine = false, .has_running = false},
           {.name = "fused relu", .x = {2, 3, 5, 7}, .has_relu = true, .is_fused = true},
           {.name = "fused relu without affine", .x = {7, 5}, .has_affine = false, .has_relu = true, .is_fused = true},
           {.name = "fused relu and residual",
           .x = {2, 3, 5, 7},
           .has_relu = true,
           .has_residual = true,
           .is_fused = true},
           {.name = "stem of ResNet, fused",
           .x = {2, 28, 28, 64},
           .has_relu = true,
           .is_fused = true,
           .is_small = false},
           {.name = "block's end, fused",
           .x = {2, 14, 14, 256},
           .has_relu = true,
           .has_residual = true,
           .is_fused = true,
           .is_small = false},
           {.name = "projector's end", .x = {32, 256}, .has_affine = false, .is_small = false},
           {.name = "prime extents", .x = {3, 13, 11, 37}, .is_small = false},
       }) {
    cases.push_back(training(norm));
    if (norm.has_running) cases.push_back(inference(norm));
  }
  cases.push_back(gradient_in_two_summands({2, 3, 2, 5}, false));
  cases.push_back(gradient_in_two_summands({2, 3, 2, 5}, true));
  return cases;
}

void batch_norm(Suite& suite) {
  run_cases(suite, batch_norm_cases());

  known_answers(suite);
}

}  // namespace gyrus::tests::suites
