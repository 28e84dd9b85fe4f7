// conv2d and its two gradients: every stride, padding and remainder that the networks use, tails and single pixels, and
// layers of ResNet-50 and ViT at reduced size.
#include <array>
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

struct Convolution {
  std::string name;
  std::array<std::int64_t, 4> x;  // N, H, W, Ci
  std::int64_t channels_out, kernel;
  int stride, padding;
  bool has_bias = false, is_small = true;
};

OpCase make_case(const Convolution& c) {
  OpCase op_case{.name = c.name, .build = [c](CaseGraph& g) {
                   const ValueId x = g.activation("x", {c.x[0], c.x[1], c.x[2], c.x[3]});
                   const ValueId w = g.parameter("w", {c.channels_out, c.x[3], c.kernel, c.kernel});
                   std::optional<ValueId> bias;
                   if (c.has_bias) bias = g.parameter("bias", {c.channels_out});
                   g.seeded_result(graph::conv2d(g.graph(), x, w, bias, c.stride, c.padding, "conv"), "y");
                 }};
  op_case.is_exact = true;
  op_case.is_small = c.is_small;
  return op_case;
}

const std::vector<Convolution>& convolutions() {
  static const std::vector<Convolution> kAll = {
      {"one pixel, one channel", {1, 1, 1, 1}, 1, 1, 1, 0},
      {"1x1", {2, 3, 4, 5}, 6, 1, 1, 0},
      {"1x1 stride 2, odd", {2, 5, 7, 3}, 4, 1, 2, 0},
      {"3x3", {2, 5, 6, 3}, 4, 3, 1, 1},
      {"3x3 stride 2, odd", {1, 7, 5, 2}, 3, 3, 2, 1},
      {"3x3 stride 2, even: the last padding is not read", {1, 6, 8, 2}, 3, 3, 2, 1},
      {"kernel as large as the image", {2, 3, 3, 2}, 5, 3, 1, 0},
      {"kernel larger than the image", {1, 2, 2, 3}, 2, 5, 1, 2},
      {"windows that leave a remainder", {1, 5, 5, 2}, 3, 2, 2, 0},
      {"7x7 stride 2", {1, 11, 9, 3}, 2, 7, 2, 3},
      {"patches with bias", {2, 8, 8, 3}, 5, 4, 4, 0, true},
      {"3x3 with bias", {2, 4, 5, 3}, 7, 3, 1, 1, true},
      {"prime extents", {3, 13, 11, 17}, 19, 3, 1, 1, false, false},
      {"stem of ResNet", {2, 40, 40, 3}, 64, 7, 2, 3, false, false},
      {"stem of ResNet, one channel", {2, 40, 40, 1}, 64, 7, 2, 3, false, false},
      {"layer1 1x1", {2, 14, 14, 256}, 64, 1, 1, 0, false, false},
      {"layer1 3x3", {2, 14, 14, 64}, 64, 3, 1, 1, false, false},
      {"layer2 3x3 stride 2", {2, 14, 14, 128}, 128, 3, 2, 1, false, false},
      {"layer2 shortcut 1x1 stride 2", {2, 14, 14, 256}, 512, 1, 2, 0, false, false},
      {"layer4 1x1", {2, 7, 7, 512}, 96, 1, 1, 0, false, false},
      {"a single channel in and out, many rows", {3, 37, 41, 1}, 1, 3, 1, 1, false, false},
      {"three channels, wider than a chunk of positions", {1, 9, 233, 3}, 10, 7, 2, 3, false, false},
      {"rows that are no multiple of a chunk", {1, 29, 31, 64}, 70, 1, 1, 0, false, false},
      {"1x1 stride 3, few channels", {13, 17, 19, 5}, 67, 1, 3, 0, false, false},
      {"2x2 stride 3: columns that no window reads", {10, 20, 23, 18}, 33, 2, 3, 0, false, false},
      {"many small images, kernel larger than they are", {150, 2, 2, 17}, 3, 5, 1, 2, false, false},
      {"many small images, 3x3 stride 2", {57, 5, 5, 80}, 70, 3, 2, 1, false, false},
      {"more channels than are summed at once", {1, 23, 23, 290}, 460, 1, 1, 0, false, false},
      {"patches of ViT", {2, 64, 48, 3}, 192, 16, 16, 0, true, false},
      {"patches of ViT, one channel", {1, 32, 32, 1}, 192, 16, 16, 0, true, false},
  };
  return kAll;
}

// A 3x3 convolution with stride 2 and padding 1 over integers; expected values by torch.nn.functional.conv2d.
void known_answer(Check& check, const backend::Backend& backend) {
  using Values = std::vector<double>;
  CaseGraph g(DType::f32, false);
  const ValueId x = g.activation("x", {1, 3, 4, 2}), w = g.parameter("w", {2, 2, 3, 3}),
                bias = g.parameter("bias", {2});
  g.seeded_result(graph::conv2d(g.graph(), x, w, bias, 2, 1, "conv"), "y");
  CaseProgram program(g, g.lower(false), backend);
  Values x_values, w_values;
  for (int i = 0; i < 24; ++i) x_values.push_back(i % 5 - 2);
  for (int i = 0; i < 36; ++i) w_values.push_back(i % 3 - 1 + (i % 7 == 0 ? 2 : 0));
  program.set_parameter("x", x_values);
  program.set_parameter("w", w_values);
  program.set_parameter("bias", Values{10, -20});
  program.set_input("seed of y", Values{1, -2, 3, -1, 2, 1, -3, 2});
  program.run();
  check_close(check, "y", program.output("y"), Values{12, -24, 11, -23, 14, -16, 9, -15}, 0);
  check_close(check, "dx", program.gradient("x"),
              Values{0, 0, -5, -1, 0, 0, 2, 8, 2, 2, -5, -3, 6, 4, 1, -1, 0, 0, 8, 8, 0, 0, -1, -7}, 0);
  check_close(check, "dw", program.gradient("w"),
              Values{6,  2, -10, -3, 8,  -1, -6, 1,  4, 3,  1, 4,  -3, -4, 2, -3, 5,  -7,
                     -4, 1, 2,   2,  -3, 2,  2,  -2, 2, -2, 4, -5, 3,  2,  2, 1,  -5, 4},
              0);
  check_close(check, "dbias", program.gradient("bias"), Values{3, 0}, 0);
}

}  // namespace

std::vector<OpCase> conv2d_cases() {
  std::vector<OpCase> cases;
  for (const Convolution& convolution : convolutions()) cases.push_back(make_case(convolution));
  return cases;
}

void conv2d(Suite& suite) {
  run_cases(suite, conv2d_cases());
  for (const bool is_cpu : {false, true}) {
    const auto backend = is_cpu ? make_test_backend() : backend::make_reference_backend();
    suite.test(text("known answer, ", backend->describe().name), [&](Check& check) { known_answer(check, *backend); });
  }
}

}  // namespace gyrus::tests::suites
