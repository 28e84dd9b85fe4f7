// relu, gelu, add, scale_rows, and the graph's edges: to_channels_last, cast, fill.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/harness/case_program.h"
#include "tests/harness/compare.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

using Unary = ValueId (*)(graph::Graph&, ValueId, std::string);

OpCase unary(const std::string& name, Unary op, const Shape& shape, bool is_exact) {
  OpCase op_case{.name = name,
                 .build = [=](CaseGraph& g) { g.seeded_result(op(g.graph(), g.activation("x", shape), "op"), "y"); }};
  op_case.is_exact = is_exact;
  op_case.is_small = shape.elements() < 200;
  return op_case;
}

OpCase sum(const std::string& name, const Shape& shape) {
  OpCase op_case{.name = name, .build = [shape](CaseGraph& g) {
                   const ValueId a = g.activation("a", shape), b = g.activation("b", shape);
                   g.seeded_result(graph::add(g.graph(), a, b, "add"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = shape.elements() < 200;
  return op_case;
}

// Every row of x times its factor of branch 1 of 3.
OpCase scaled_rows(const std::string& name, const Shape& shape) {
  OpCase op_case{.name = name, .build = [shape](CaseGraph& g) {
                   const ValueId x = g.activation("x", shape), factors = g.input("factors", {3, shape[0]});
                   g.seeded_result(graph::scale_rows(g.graph(), x, factors, 1, "scale"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = shape.elements() < 200;
  return op_case;
}

// x + x: both gradients flow into one parameter and are summed.
OpCase doubled() {
  OpCase op_case{.name = "add: a value to itself", .build = [](CaseGraph& g) {
                   const ValueId x = g.activation("x", {3, 5});
                   g.seeded_result(graph::add(g.graph(), x, x, "add"), "y");
                 }};
  op_case.is_exact = true;
  return op_case;
}

OpCase channels_last(const std::string& name, const Shape& shape) {
  OpCase op_case{.name = name, .build = [shape](CaseGraph& g) {
                   const ValueId x = g.input("x", shape);
                   g.plain_result(graph::to_channels_last(g.graph(), x, g.compute(), "nhwc"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_differentiable = false;
  return op_case;
}

// One kernel applied to chosen numbers by the CPU backend.
template <class Op>
std::vector<double> apply_on_cpu(Op op, const std::vector<double>& values) {
  CaseGraph g(DType::f32, false);
  const ValueId x = g.activation("x", {1, static_cast<std::int64_t>(values.size())});
  g.plain_result(op(g.graph(), x, "op"), "y");
  CaseProgram program(g, g.lower(false), *make_test_backend());
  program.set_parameter("x", values);
  program.run();
  return program.output("y");
}

ValueId through_bf16(graph::Graph& g, ValueId x, const std::string& name) {
  return graph::cast(g, graph::cast(g, x, DType::bf16, name + "/down"), DType::f32, name + "/up");
}

constexpr double kInf = std::numeric_limits<double>::infinity();

void activations_at_the_edges(Suite& suite) {
  suite.test("relu: zero, infinities and NaN", [](Check& check) {
    const auto y = apply_on_cpu(graph::relu, {-0.0, 0.0, -1.0, 2.0, kInf, -kInf, std::nan("")});
    check_close(check, "y", y, std::vector{0.0, 0.0, 0.0, 2.0, kInf, 0.0, std::nan("")}, 0);
  });
  suite.test("gelu: far from zero it is x or nothing, and never NaN", [](Check& check) {
    const auto y = apply_on_cpu(graph::gelu, {-100, -20, 0, 20, 100, 1e30, -1e30});
    check_close(check, "y", y, std::vector<double>{0, 0, 0, 20, 100, 1e30F, 0}, 1e-6);
  });
  suite.test("gelu: accurate from -10 to 10, small values included", [](Check& check) {
    std::vector<double> x, expected;
    for (int i = -2000; i <= 2000; ++i) x.push_back(static_cast<float>(i) / 200.0F);
    for (const double tiny : {1e-30, 1e-10, 1e-5}) x.push_back(static_cast<float>(tiny));
    for (const double value : x) expected.push_back(0.5 * value * std::erfc(-value / std::sqrt(2.0)));
    const auto y = apply_on_cpu(graph::gelu, x);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      // Absolute where the result is tiny beside x, relative elsewhere.
      worst = std::max(worst, std::abs(y[i] - expected[i]) / std::max(std::abs(expected[i]), 0.01 * std::abs(x[i])));
      check.that(std::isfinite(y[i]), "gelu(", x[i], ") = ", y[i]);
    }
    check.that(worst < 2e-5, "worst relative error ", worst);
    check.that(y.back() > 0, "gelu(1e-5) = ", y.back());
  });
  suite.test("gelu and its gradient: known answers, reference", [](Check& check) {
    // By torch.nn.functional.gelu in float64; the derivative at 0 is 1/2.
    CaseGraph g(DType::f32, false);
    g.seeded_result(graph::gelu(g.graph(), g.activation("x", {5}), "gelu"), "y");
    CaseProgram program(g, g.lower(false), *backend::make_reference_backend());
    program.set_parameter("x", std::vector<double>{-2, -0.5, 1, 3, 0});
    program.set_input("seed of y", std::vector<double>{0, 0, 0, 0, 6});
    program.run();
    check_close(check, "y", program.output("y"),
                std::vector{-0.04550026389635842, -0.15426876936299344, 0.841344746068543, 2.99595030590511, 0.0},
                1e-14);
    check_close(check, "dx", program.gradient("x"), std::vector<double>{0, 0, 0, 0, 3}, 1e-14);
  });
}

void edges_of_the_graph(Suite& suite) {
  const bool has_bf16 = make_test_backend()->describe().has_bf16;
  const std::string cast = "cast to bf16 rounds as core/dtype does";
  if (has_bf16) {
    suite.test(cast, [](Check& check) {
      std::vector<double> x = fill_values("cast", 1003, Fill::normal);
      for (const double value : {1.00390625, 1.01171875, 3.3e38, -3.3e38, 0.0, kInf, -kInf, std::nan("")})
        x.push_back(value);
      std::vector<double> expected;
      expected.reserve(x.size());
      for (const double value : x) expected.push_back(to_float(to_bf16(static_cast<float>(value))));
      check_close(check, "y", apply_on_cpu(through_bf16, x), expected, 0);
    });
  } else {
    suite.skip(cast, "this processor does not compute bf16");
  }
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const std::string name = text("to_channels_last moves the channels and rounds to ", name_of(dtype));
    if (dtype == DType::bf16 && !has_bf16) {
      suite.skip(name, "this processor does not compute bf16");
      continue;
    }
    suite.test(name, [dtype](Check& check) {
      CaseGraph g(DType::f32, false);
      const ValueId y = graph::to_channels_last(g.graph(), g.input("x", {1, 2, 1, 3}), dtype, "nhwc");
      g.plain_result(y, "y");
      CaseProgram program(g, g.lower(false), *make_test_backend());
      program.set_input("x", std::vector<double>{1, 2, 3, 4, 5, 257});  // 257 has nine significant bits
      program.run();
      const double last = dtype == DType::f32 ? 257 : 256;
      check_close(check, name_of(dtype), program.output("y"), std::vector<double>{1, 4, 2, 5, 3, last}, 0);
    });
  }
  suite.test("fill gives its value", [](Check& check) {
    for (const bool is_cpu : {false, true}) {
      CaseGraph g(DType::f32, false);
      g.plain_result(graph::fill(g.graph(), 0.375F, "fill"), "y");
      const auto backend = is_cpu ? make_test_backend() : backend::make_reference_backend();
      CaseProgram program(g, g.lower(false), *backend);
      program.run();
      check_close(check, backend->describe().name, program.output("y"), std::vector{0.375}, 0);
    }
  });
}

}  // namespace

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> cases{doubled()};
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 5}, Shape{2, 3, 5, 4}, Shape{7, 131}, Shape{2, 14, 14, 64}}) {
    cases.push_back(unary(text("relu ", shape), graph::relu, shape, true));
    cases.push_back(unary(text("gelu ", shape), graph::gelu, shape, false));
    cases.push_back(sum(text("add ", shape), shape));
    cases.push_back(scaled_rows(text("scale_rows ", shape), shape));
  }
  cases.push_back(channels_last("to_channels_last: three channels", {2, 3, 5, 7}));
  cases.push_back(channels_last("to_channels_last: one channel", {2, 1, 9, 4}));
  cases.push_back(channels_last("to_channels_last: many channels", {1, 37, 6, 5}));
  cases.push_back(channels_last("to_channels_last: an image", {2, 3, 224, 224}));
  return cases;
}

void dropped_rows_on(Suite& suite, const backend::Backend& backend) {
  suite.test(text("scale_rows: a factor of zero gives zero, whatever the branch holds, ", backend.describe().name),
             [&](Check& check) {
               CaseGraph g(DType::f32, false);
               const ValueId x = g.activation("x", {2, 3});
               g.plain_result(graph::scale_rows(g.graph(), x, g.input("factors", {1, 2}), 0, "scale"), "y");
               CaseProgram program(g, g.lower(false), backend);
               program.set_parameter("x", std::vector{kInf, -kInf, 1.0, 1.0, -2.0, 3.0});
               program.set_input("factors", std::vector{0.0, 2.0});
               program.run();
               check_close(check, "y", program.output("y"), std::vector{0.0, 0.0, 0.0, 2.0, -4.0, 6.0}, 0);
             });
}

void elementwise(Suite& suite) {
  run_cases(suite, elementwise_cases());

  activations_at_the_edges(suite);
  edges_of_the_graph(suite);
  dropped_rows_on(suite, *backend::make_reference_backend());
  dropped_rows_on(suite, *make_test_backend());
}

}  // namespace gyrus::tests::suites
