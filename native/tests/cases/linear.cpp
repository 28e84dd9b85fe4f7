// linear with parameter and activation weights, its fused GELU, its gradients, and sum_rows (the gradient of a bias).
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

struct Product {
  std::string name;
  Shape x;
  std::int64_t outputs;
  bool has_bias = false, is_small = true;
};

OpCase make_case(const Product& product) {
  OpCase op_case{.name = product.name, .build = [product](CaseGraph& g) {
                   const ValueId x = g.activation("x", product.x);
                   const ValueId w = g.parameter("w", {product.outputs, product.x.back()});
                   std::optional<ValueId> bias;
                   if (product.has_bias) bias = g.parameter("bias", {product.outputs});
                   g.seeded_result(graph::linear(g.graph(), x, w, bias, "linear"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = product.is_small;
  return op_case;
}

// Keys of the momentum encoder: y = q k^T, both activations.
OpCase activation_weight(const std::string& name, std::int64_t rows, std::int64_t outputs, std::int64_t width,
                         bool is_small) {
  OpCase op_case{.name = name, .build = [=](CaseGraph& g) {
                   const ValueId q = g.activation("q", {rows, width});
                   const ValueId k = g.activation("k", {outputs, width});
                   g.seeded_result(graph::linear(g.graph(), q, k, std::nullopt, "logits"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = is_small;
  return op_case;
}

// linear -> gelu, which the fusion makes one node; `reads_pre`: a gradient reaches the value before the GELU as well.
OpCase with_gelu(const std::string& name, const Shape& x_shape, std::int64_t outputs, bool has_bias, bool is_fused) {
  OpCase op_case{.name = name, .build = [=](CaseGraph& g) {
                   const ValueId x = g.activation("x", x_shape);
                   const ValueId w = g.parameter("w", {outputs, x_shape.back()}, Fill::small);
                   std::optional<ValueId> bias;
                   if (has_bias) bias = g.parameter("bias", {outputs});
                   const ValueId pre = graph::linear(g.graph(), x, w, bias, "linear");
                   g.seeded_result(graph::gelu(g.graph(), pre, "gelu"), "y");
                 }};
  op_case.is_fused = is_fused;
  op_case.is_small = x_shape.elements() < 100;
  // `pre` is stored in bf16 between the two and once more for the backward pass: three roundings instead of one.
  op_case.tolerance.bf16 = 5e-3;
  return op_case;
}

OpCase sum_of_rows(const std::string& name, const Shape& shape) {
  OpCase op_case{.name = name, .build = [shape](CaseGraph& g) {
                   g.plain_result(graph::sum_rows(g.graph(), g.activation("x", shape), "sum"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_differentiable = false;
  return op_case;
}

void known_answer(Check& check, const backend::Backend& backend) {
  using Values = std::vector<double>;
  CaseGraph g(DType::f32, false);
  const ValueId x = g.activation("x", {2, 3}), w = g.parameter("w", {2, 3}), bias = g.parameter("bias", {2});
  g.seeded_result(graph::linear(g.graph(), x, w, bias, "linear"), "y");
  CaseProgram program(g, g.lower(false), backend);
  program.set_parameter("x", Values{1, 2, 3, -1, 0, 4});
  program.set_parameter("w", Values{2, 0, -1, 1, 5, 3});
  program.set_parameter("bias", Values{100, 200});
  program.set_input("seed of y", Values{1, -1, 2, 3});
  program.run();
  check_close(check, "y", program.output("y"), Values{99, 220, 94, 211}, 0);
  check_close(check, "dx", program.gradient("x"), Values{1, -5, -4, 7, 15, 7}, 0);
  check_close(check, "dw", program.gradient("w"), Values{-1, 2, 11, -4, -2, 9}, 0);
  check_close(check, "dbias", program.gradient("bias"), Values{3, 2}, 0);
}

}  // namespace

std::vector<OpCase> linear_cases() {
  std::vector<OpCase> cases;
  for (const Product& product : std::vector<Product>{
           {"one by one", {1, 1}, 1},
           {"odd", {3, 5}, 7},
           {"odd with bias", {3, 5}, 7, true},
           {"tokens with bias", {2, 3, 4}, 5, true},
           {"one row", {1, 13}, 11, true},
           {"one output", {6, 9}, 1, true},
           {"primes", {37, 53}, 61, true, false},
           {"projector of MoCo v3", {16, 512}, 640, false, false},
           {"qkv of ViT", {2, 49, 192}, 576, true, false},
           {"classifier", {32, 384}, 10, true, false},
           {"many rows, few columns", {1009, 19}, 23, false, false},
           {"few rows, many columns", {5, 700}, 1100, false, false},
       })
    cases.push_back(make_case(product));
  cases.push_back(activation_weight("weight is an activation", 3, 5, 7, true));
  cases.push_back(activation_weight("weight is an activation, contrastive logits", 32, 32, 256, false));
  cases.push_back(with_gelu("then gelu", {3, 5}, 7, true, false));
  cases.push_back(with_gelu("fused gelu", {3, 5}, 7, true, true));
  cases.push_back(with_gelu("fused gelu without bias", {2, 3, 4}, 5, false, true));
  cases.push_back(with_gelu("fused gelu, MLP of ViT", {2, 49, 192}, 768, true, true));
  cases.push_back(sum_of_rows("sum_rows of one row", {1, 7}));
  cases.push_back(sum_of_rows("sum_rows of tokens", {2, 5, 33}));
  cases.push_back(sum_of_rows("sum_rows of an image", {2, 17, 19, 64}));
  cases.push_back(sum_of_rows("sum_rows of one channel", {2, 17, 19, 1}));
  return cases;
}

void linear(Suite& suite) {
  run_cases(suite, linear_cases());
  for (const bool is_cpu : {false, true}) {
    const auto backend = is_cpu ? make_test_backend() : backend::make_reference_backend();
    suite.test(text("known answer, ", backend->describe().name), [&](Check& check) { known_answer(check, *backend); });
  }
}

}  // namespace gyrus::tests::suites
