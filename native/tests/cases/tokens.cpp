// embed_tokens, select_token and concat_rows: sums and copies.
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

OpCase embed(const std::string& name, const Shape& patches, bool is_small = true) {
  OpCase op_case{.name = "embed_tokens: " + name, .build = [patches](CaseGraph& g) {
                   const std::int64_t tokens = patches[1] * patches[2] + 1, width = patches[3];
                   const ValueId x = g.activation("patches", patches);
                   const ValueId cls = g.parameter("cls", {1, 1, width}), pos = g.parameter("pos", {1, tokens, width});
                   g.seeded_result(graph::embed_tokens(g.graph(), x, cls, pos, "embed"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = is_small;
  return op_case;
}

OpCase select(const std::string& name, const Shape& shape, std::int64_t index, bool is_small = true) {
  OpCase op_case{.name = "select_token: " + name, .build = [=](CaseGraph& g) {
                   g.seeded_result(graph::select_token(g.graph(), g.activation("x", shape), index, "select"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = is_small;
  return op_case;
}

OpCase concat(const std::string& name, std::int64_t first, std::int64_t second, std::int64_t width,
              bool is_small = true) {
  OpCase op_case{.name = "concat_rows: " + name, .build = [=](CaseGraph& g) {
                   const ValueId a = g.activation("a", {first, width}), b = g.activation("b", {second, width});
                   g.seeded_result(graph::concat_rows(g.graph(), a, b, "concat"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = is_small;
  return op_case;
}

// Two samples of 1x2 patches, width 2; then the last token of each.
void known_answer(Check& check, const backend::Backend& backend) {
  using Values = std::vector<double>;
  CaseGraph g(DType::f32, false);
  const ValueId patches = g.activation("patches", {2, 1, 2, 2});
  const ValueId cls = g.parameter("cls", {1, 1, 2}), pos = g.parameter("pos", {1, 3, 2});
  const ValueId all = graph::embed_tokens(g.graph(), patches, cls, pos, "embed");
  g.plain_result(all, "tokens");
  g.plain_result(graph::select_token(g.graph(), all, 2, "select"), "last");
  CaseProgram program(g, g.lower(false), backend);
  program.set_parameter("patches", Values{1, 2, 3, 4, 5, 6, 7, 8});
  program.set_parameter("cls", Values{-1, -2});
  program.set_parameter("pos", Values{10, 20, 30, 40, 50, 60});
  program.run();
  check_close(check, "tokens", program.output("tokens"), Values{9, 18, 31, 42, 53, 64, 9, 18, 35, 46, 57, 68}, 0);
  check_close(check, "last", program.output("last"), Values{53, 64, 57, 68}, 0);
}

}  // namespace

std::vector<OpCase> tokens_cases() {
  return {
      embed("one patch", {1, 1, 1, 3}),
      embed("oblong", {2, 2, 3, 5}),
      embed("prime width", {3, 5, 7, 37}, false),
      embed("ViT-S", {2, 14, 14, 384}, false),
      select("first", {2, 3, 5}, 0),
      select("last", {2, 3, 5}, 2),
      select("only", {1, 1, 4}, 0),
      select("class token of ViT-S", {2, 197, 384}, 0, false),
      concat("one row each", 1, 1, 3),
      concat("odd", 2, 5, 7),
      concat("embeddings", 64, 64, 256, false),
  };
}

void tokens(Suite& suite) {
  run_cases(suite, tokens_cases());
  for (const bool is_cpu : {false, true}) {
    const auto backend = is_cpu ? make_test_backend() : backend::make_reference_backend();
    suite.test(text("known answer, ", backend->describe().name), [&](Check& check) { known_answer(check, *backend); });
  }
}

}  // namespace gyrus::tests::suites
