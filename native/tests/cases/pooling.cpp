// max_pool with its index, global_avg_pool, and their gradients.
#include <cmath>
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

struct Pool {
  std::string name;
  Shape x;
  int kernel = 3, stride = 2, padding = 1;
  bool is_small = true;
};

OpCase max_pool(const Pool& pool) {
  OpCase op_case{.name = "max_pool: " + pool.name, .build = [pool](CaseGraph& g) {
                   const ValueId x = g.activation("x", pool.x);
                   g.seeded_result(graph::max_pool(g.graph(), x, pool.kernel, pool.stride, pool.padding, "pool"), "y");
                 }};
  // Small integers tie in nearly every window: the first maximum must win, in the index and so in the gradient.
  op_case.is_exact = true;
  op_case.is_small = pool.is_small;
  return op_case;
}

OpCase average(const std::string& name, const Shape& shape) {
  OpCase op_case{.name = "global_avg_pool: " + name, .build = [shape](CaseGraph& g) {
                   g.seeded_result(graph::global_avg_pool(g.graph(), g.activation("x", shape), "pool"), "y");
                 }};
  op_case.is_small = shape.elements() < 200;
  return op_case;
}

// Windows 3x3, stride 2, padding 1 over a 3x3 image: one output at each corner.
void known_answers(Suite& suite, const backend::Backend& backend) {
  suite.test(text("max_pool: padding never wins over negative numbers, ", backend.describe().name), [&](Check& check) {
    CaseGraph g(DType::f32, false);
    g.plain_result(graph::max_pool(g.graph(), g.activation("x", {1, 3, 3, 1}), 3, 2, 1, "pool"), "y");
    CaseProgram program(g, g.lower(false), backend);
    program.set_parameter("x", std::vector<double>{-9, -8, -7, -6, -5, -4, -3, -2, -1});
    program.run();
    check_close(check, "y", program.output("y"), std::vector<double>{-5, -4, -2, -1}, 0);
  });
  suite.test(text("global_avg_pool: known answer, ", backend.describe().name), [&](Check& check) {
    CaseGraph g(DType::f32, false);
    g.seeded_result(graph::global_avg_pool(g.graph(), g.activation("x", {1, 2, 2, 2}), "pool"), "y");
    CaseProgram program(g, g.lower(false), backend);
    program.set_parameter("x", std::vector<double>{1, 10, 2, 20, 3, 30, 6, 40});
    program.set_input("seed of y", std::vector<double>{4, 8});
    program.run();
    check_close(check, "y", program.output("y"), std::vector<double>{3, 25}, 0);
    check_close(check, "dx", program.gradient("x"), std::vector<double>{1, 2, 1, 2, 1, 2, 1, 2}, 0);
  });
  suite.test(text("max_pool: a NaN wins over numbers, ", backend.describe().name), [&](Check& check) {
    const double nan = std::nan("");
    CaseGraph g(DType::f32, false);
    g.plain_result(graph::max_pool(g.graph(), g.activation("x", {1, 3, 3, 1}), 3, 2, 1, "pool"), "y");
    CaseProgram program(g, g.lower(false), backend);
    program.set_parameter("x", std::vector<double>{nan, 8, 7, 6, 5, 4, 3, 2, nan});
    program.run();
    check_close(check, "y", program.output("y"), std::vector<double>{nan, 8, 6, nan}, 0);
  });
  suite.test(text("max_pool: of equal numbers the first gets the gradient, ", backend.describe().name),
             [&](Check& check) {
               CaseGraph g(DType::f32, false);
               g.seeded_result(graph::max_pool(g.graph(), g.activation("x", {1, 3, 3, 1}), 3, 2, 1, "pool"), "y");
               CaseProgram program(g, g.lower(false), backend);
               program.set_parameter("x", std::vector<double>(9, 0.0));
               program.set_input("seed of y", std::vector<double>{1, 2, 4, 8});
               program.run();
               check_close(check, "dx", program.gradient("x"), std::vector<double>{1, 2, 0, 4, 8, 0, 0, 0, 0}, 0);
             });
}

}  // namespace

std::vector<OpCase> pooling_cases() {
  std::vector<OpCase> cases;
  for (const Pool& pool : std::vector<Pool>{
           {"one pixel", {1, 1, 1, 1}},
           {"even", {2, 6, 8, 3}},
           {"odd", {1, 7, 5, 2}},
           {"2x2", {2, 4, 6, 3}, 2, 2, 0},
           {"2x2 with a remainder", {1, 5, 5, 3}, 2, 2, 0},
           {"overlapping, stride 1", {1, 4, 5, 2}, 3, 1, 1},
           {"prime extents", {3, 13, 11, 17}, 3, 2, 1, false},
           {"stem of ResNet", {2, 56, 56, 64}, 3, 2, 1, false},
       })
    cases.push_back(max_pool(pool));
  cases.push_back(average("one pixel", {2, 1, 1, 3}));
  cases.push_back(average("odd", {2, 3, 5, 7}));
  cases.push_back(average("end of ResNet-50", {2, 7, 7, 2048}));
  return cases;
}

void pooling(Suite& suite) {
  run_cases(suite, pooling_cases());

  known_answers(suite, *backend::make_reference_backend());
  known_answers(suite, *make_test_backend());
}

}  // namespace gyrus::tests::suites
