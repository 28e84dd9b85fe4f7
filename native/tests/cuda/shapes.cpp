// Shapes that the common tables leave out and that matter to grids: one row, primes, tails of accesses, rows and
// channels beyond one block, widths at the borders between two kernels.
#include <string>
#include <vector>

#include "graph/ops.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

OpCase norm(const Shape& shape, bool has_relu, bool has_residual) {
  return {.name = text("batch_norm ", shape, has_relu ? " relu" : "", has_residual ? " residual" : ""),
          .build =
              [=](CaseGraph& g) {
                const std::int64_t channels = shape.back();
                graph::BatchNormParameters parameters;
                parameters.gamma = g.parameter("gamma", {channels}, Fill::around_one);
                parameters.beta = g.parameter("beta", {channels}, Fill::small);
                parameters.running_mean = g.buffer("running_mean", {channels}, Fill::small);
                parameters.running_var = g.buffer("running_var", {channels}, Fill::positive);
                // Of two values and a small eps the gradient cancels down to rounding errors.
                const float eps = shape.rows() == 2 ? 0.5F : 1e-5F;
                ValueId y = graph::batch_norm(g.graph(), g.activation("x", shape), parameters, eps, 0.1F, "bn");
                if (has_residual) y = graph::add(g.graph(), y, g.activation("residual", shape), "sum");
                if (has_relu) y = graph::relu(g.graph(), y, "relu");
                g.seeded_result(y, "y");
              },
          .is_fused = has_relu};
}

OpCase layer(const Shape& shape) {
  return {.name = text("layer_norm ", shape), .build = [=](CaseGraph& g) {
            const ValueId gamma = g.parameter("gamma", {shape.back()}, Fill::around_one);
            const ValueId beta = g.parameter("beta", {shape.back()}, Fill::small);
            g.seeded_result(graph::layer_norm(g.graph(), g.activation("x", shape), gamma, beta, 1e-6F, "ln"), "y");
          }};
}

OpCase rows_sum(const Shape& shape) {
  return {.name = text("sum_rows ", shape), .build = [=](CaseGraph& g) {
            g.plain_result(graph::sum_rows(g.graph(), g.activation("x", shape), "sum"), "sums");
          }};
}

OpCase unit_rows(const Shape& shape) {
  return {.name = text("l2_normalize ", shape), .build = [=](CaseGraph& g) {
            g.seeded_result(graph::l2_normalize(g.graph(), g.activation("x", shape), 1e-12F, "l2"), "y");
          }};
}

OpCase pool(const Shape& shape, int kernel, int stride, int padding) {
  return {.name = text("max_pool ", shape, " ", kernel, " by ", stride), .build = [=](CaseGraph& g) {
            g.seeded_result(graph::max_pool(g.graph(), g.activation("x", shape), kernel, stride, padding, "pool"), "y");
          }};
}

}  // namespace

void cuda_shapes(Suite& suite) {
  std::vector<OpCase> cases;
  for (const Shape& shape : {Shape{2, 8}, Shape{1009, 8}, Shape{257, 64}, Shape{4099, 3}, Shape{9, 2048}, Shape{6, 257},
                             Shape{2, 9, 9, 128}, Shape{3, 1}, Shape{1500, 1}}) {
    cases.push_back(norm(shape, false, false));
    cases.push_back(norm(shape, true, true));
  }
  for (const Shape& shape : {Shape{1, 1}, Shape{1, 4}, Shape{9, 127}, Shape{9, 128}, Shape{7, 132}, Shape{17, 512},
                             Shape{3, 516}, Shape{5, 1024}, Shape{3, 1028}, Shape{2, 1537}, Shape{1030, 12}})
    cases.push_back(layer(shape));
  for (const Shape& shape : {Shape{1, 7}, Shape{1, 8}, Shape{4099, 24}, Shape{3, 1000}, Shape{129, 1}, Shape{40, 520}})
    cases.push_back(rows_sum(shape));
  for (const Shape& shape : {Shape{1, 37}, Shape{9, 128}, Shape{8, 132}, Shape{65, 36}})
    cases.push_back(unit_rows(shape));
  cases.push_back(pool({2, 11, 9, 8}, 3, 2, 1));
  cases.push_back(pool({1, 7, 7, 16}, 5, 1, 2));
  cases.push_back(pool({1, 17, 16, 24}, 16, 1, 8));
  cases.push_back(pool({1, 9, 9, 4}, 2, 3, 0));
  run_cases_on(suite, cases, *make_emulated_backend());
}

}  // namespace gyrus::tests::suites
