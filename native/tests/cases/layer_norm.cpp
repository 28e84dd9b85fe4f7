// layer_norm, and the fused form in which the sum of the residual stream is normalised and kept.
#include <string>
#include <vector>

#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/harness/case_program.h"
#include "tests/harness/compare.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

constexpr float kEps = 1e-6F;

struct Parameters {
  ValueId gamma, beta;
};
Parameters parameters_of(CaseGraph& g, std::int64_t width) {
  return {g.parameter("gamma", {width}, Fill::around_one), g.parameter("beta", {width}, Fill::small)};
}

OpCase plain(const std::string& name, const Shape& shape, bool is_small = true, float eps = kEps) {
  OpCase op_case{.name = name, .build = [=](CaseGraph& g) {
                   const ValueId x = g.activation("x", shape);
                   const Parameters p = parameters_of(g, shape.back());
                   const ValueId y = graph::layer_norm(g.graph(), x, p.gamma, p.beta, eps, "ln");
                   const graph::NodeId node = g.graph().value(y).producer;
                   g.plain_result(g.graph().output(node, 1), "mean");
                   g.plain_result(g.graph().output(node, 2), "inv_std");
                   g.seeded_result(y, "y");
                 }};
  op_case.is_small = is_small;
  return op_case;
}

// A step of the residual stream: sum = x + branch; y = ln(sum). With `keeps_sum` the stream goes on as sum + y, so that
// a gradient reaches the sum beside the one through the norm.
OpCase fused(const std::string& name, const Shape& shape, bool keeps_sum, bool is_small = true) {
  OpCase op_case{.name = name, .build = [=](CaseGraph& g) {
                   const ValueId x = g.activation("x", shape), branch = g.activation("branch", shape);
                   const Parameters p = parameters_of(g, shape.back());
                   const ValueId sum = graph::add(g.graph(), x, branch, "add");
                   ValueId y = graph::layer_norm(g.graph(), sum, p.gamma, p.beta, kEps, "ln");
                   if (keeps_sum) y = graph::add(g.graph(), sum, y, "next");
                   g.seeded_result(y, "y");
                 }};
  op_case.is_fused = true;
  op_case.is_small = is_small;
  // In bf16 the sum is rounded before its gradient's statistics are read from it.
  op_case.tolerance.bf16 = 6e-3;
  return op_case;
}

// A stream that stays f32 while its branches are of the compute dtype: stream and branch join, the norm gives the
// compute dtype, and so on twice, and the last one f32, so that every mixed form of the sum, the norm and their
// gradients occurs.
OpCase stream(const std::string& name, const Shape& shape, bool is_fused, bool is_small = true) {
  OpCase op_case{
      .name = name, .build = [=](CaseGraph& g) {
        const Parameters p = parameters_of(g, shape.back());
        const auto norm = [&](ValueId x, const std::string& part, DType dtype) {
          const graph::LayerNormAttrs attrs{.eps = kEps, .dtype = dtype};
          return g.graph().output(g.graph().add_node(graph::OpKind::layer_norm, attrs, {x, p.gamma, p.beta}, part));
        };
        ValueId x = graph::cast(g.graph(), g.activation("x", shape), DType::f32, "x/stream");
        x = graph::add(g.graph(), norm(x, "ln1", g.compute()), x, "add1");
        x = graph::add(g.graph(), x, g.activation("branch", shape), "add2");
        x = graph::add(g.graph(), x, norm(x, "ln2", g.compute()), "add3");
        g.seeded_result(norm(x, "ln3", DType::f32), "y");
        g.plain_result(x, "stream");
      }};
  op_case.is_fused = is_fused;
  op_case.is_small = is_small;
  // Two norms and their gradients are rounded one after the other.
  op_case.tolerance.bf16 = 5e-3;
  return op_case;
}

}  // namespace

std::vector<OpCase> layer_norm_cases() {
  return {
      plain("rows", {3, 5}),
      plain("one row", {1, 7}),
      // Of two values and a small eps the gradient cancels down to rounding errors: a large one leaves
      // something to test.
      plain("width two", {4, 2}, true, 0.5F),
      plain("tokens", {2, 3, 8}),
      plain("prime width", {2, 5, 37}, false),
      plain("ViT-S", {2, 50, 384}, false),
      plain("ViT-B", {1, 17, 768}, false),
      fused("fused residual", {3, 5}, false),
      fused("fused residual, sum kept", {2, 3, 8}, true),
      fused("fused residual, sum kept, ViT-S", {2, 50, 384}, true, false),
      stream("f32 stream", {2, 3, 7}, false),
      stream("fused f32 stream", {2, 3, 7}, true),
      stream("fused f32 stream, ViT-S", {2, 50, 384}, true, false),
  };
}

void layer_norm(Suite& suite) {
  run_cases(suite, layer_norm_cases());

  // Expected values by torch.nn.functional.layer_norm in float64.
  for (const bool is_cpu : {false, true}) {
    const auto backend = is_cpu ? make_test_backend() : backend::make_reference_backend();
    suite.test(text("known answer, ", backend->describe().name), [&](Check& check) {
      CaseGraph g(DType::f32, false);
      const ValueId x = g.activation("x", {2, 3});
      const Parameters p = parameters_of(g, 3);
      g.seeded_result(graph::layer_norm(g.graph(), x, p.gamma, p.beta, 0.5F, "ln"), "y");
      CaseProgram program(g, g.lower(false), *backend);
      program.set_parameter("x", std::vector<double>{1, 2, 4, -1, 0, 7});
      program.set_parameter("gamma", std::vector<double>{1, 0.5, -2});
      program.set_parameter("beta", std::vector<double>{0, 1, 0.25});
      program.set_input("seed of y", std::vector<double>{1, -1, 2, 0.5, 3, -0.25});
      program.run();
      check_close(
          check, "y", program.output("y"),
          std::vector{-0.929981109951, 0.883752361256, -2.07495277488, -0.826767381914, 0.724410872695, -2.50589127305},
          1e-6);
      check_close(check, "dx", program.gradient("x"),
                  std::vector{0.329891947787, 0.169658716004, -0.499550663791, -0.133724682026, 0.155818325143,
                              -0.0220936431173},
                  2e-6);
      check_close(check, "dgamma", program.gradient("gamma"),
                  std::vector{-1.34336480091, -1.42103948634, 1.98046636575}, 1e-6);
      check_close(check, "dbeta", program.gradient("beta"), std::vector{1.5, 2.0, 1.75}, 1e-6);
    });
  }
}

}  // namespace gyrus::tests::suites
