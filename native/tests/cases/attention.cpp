// Multi-head self-attention over packed queries, keys and values.
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

OpCase make_case(const std::string& name, const Shape& tokens, int heads, bool is_small = true) {
  OpCase op_case{.name = name, .build = [=](CaseGraph& g) {
                   const ValueId qkv = g.activation("qkv", {tokens[0], tokens[1], 3 * tokens[2]});
                   g.seeded_result(graph::attention(g.graph(), qkv, heads, "attention"), "y");
                 }};
  op_case.is_small = is_small;
  // In bf16 the probabilities are rounded before they weigh the values, and again dS = P (dP - sum P dP).
  op_case.tolerance.bf16 = 6e-3;
  return op_case;
}

}  // namespace

std::vector<OpCase> attention_cases() {
  return {
      make_case("one token", {2, 1, 4}, 1),
      make_case("one head", {2, 3, 4}, 1),
      make_case("two heads", {2, 3, 8}, 2),
      make_case("odd head width", {1, 5, 15}, 3),
      make_case("heads of width one", {2, 4, 3}, 3),
      make_case("prime tokens", {2, 37, 48}, 3, false),
      make_case("three tiles of a GPU's kernel, the last of one token", {1, 129, 32}, 1, false),
      make_case("as many tokens as two blocks of a GPU's kernel", {1, 224, 16}, 1, false),
      make_case("a head of width 48", {1, 17, 48}, 1, false),
      make_case("a wide head", {1, 9, 160}, 1, false),
      make_case("more tokens than a GPU's kernel holds at once", {1, 1031, 6}, 2, false),
      make_case("ViT-Ti", {2, 197, 192}, 3, false),
      make_case("ViT-S with the heads of MoCo v3", {1, 197, 384}, 12, false),
  };
}

void attention(Suite& suite) {
  run_cases(suite, attention_cases());

  for (const bool is_cpu : {false, true}) {
    const auto backend = is_cpu ? make_test_backend() : backend::make_reference_backend();
    suite.test(text("known answer of two heads, ", backend->describe().name), [&](Check& check) {
      // By torch.nn.functional.scaled_dot_product_attention in float64.
      CaseGraph g(DType::f32, false);
      g.plain_result(graph::attention(g.graph(), g.activation("qkv", {1, 2, 12}), 2, "attention"), "y");
      CaseProgram program(g, g.lower(false), *backend);
      std::vector<double> qkv;
      qkv.reserve(24);
      for (int i = 0; i < 24; ++i) qkv.push_back((i * 7 % 11 - 5) / 4.0);
      program.set_parameter("qkv", qkv);
      program.run();
      check_close(check, "y", program.output("y"),
                  std::vector{0.431433887151, -0.0679622212294, -0.62043990403, -0.601730167947, -0.519751155513,
                              0.475572088864, -0.507183315227, -0.799929198353},
                  1e-6);
    });
    suite.test(text("equal keys average the values, ", backend->describe().name), [&](Check& check) {
      CaseGraph g(DType::f32, false);
      g.plain_result(graph::attention(g.graph(), g.activation("qkv", {1, 2, 6}), 1, "attention"), "y");
      CaseProgram program(g, g.lower(false), *backend);
      program.set_parameter("qkv", std::vector<double>{1, 2, 5, 5, 3, 8, -4, 7, 5, 5, 5, 4});
      program.run();
      check_close(check, "y", program.output("y"), std::vector<double>{4, 6, 4, 6}, 1e-6);
    });
    suite.test(text("large scores do not overflow, ", backend->describe().name), [&](Check& check) {
      CaseGraph g(DType::f32, false);
      g.plain_result(graph::attention(g.graph(), g.activation("qkv", {1, 2, 3}), 1, "attention"), "y");
      CaseProgram program(g, g.lower(false), *backend);
      program.set_parameter("qkv", std::vector<double>{1000, 1000, 3, -1000, 0, 5});
      program.run();
      check_close(check, "y", program.output("y"), std::vector<double>{3, 5}, 1e-6);
    });
  }
}

}  // namespace gyrus::tests::suites
