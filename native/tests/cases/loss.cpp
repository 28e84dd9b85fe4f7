// l2_normalize, softmax_cross_entropy and soft_cross_entropy, and the first two together as MoCo v3's contrastive loss.
#include <cmath>
#include <limits>
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

constexpr float kEps = 1e-12F;

OpCase normalize(const std::string& name, const Shape& shape, bool is_small = true) {
  OpCase op_case{.name = "l2_normalize: " + name, .build = [shape](CaseGraph& g) {
                   const ValueId y = graph::l2_normalize(g.graph(), g.activation("x", shape), kEps, "l2");
                   g.plain_result(g.graph().output(g.graph().value(y).producer, 1), "inv_norm");
                   g.seeded_result(y, "y");
                 }};
  op_case.is_small = is_small;
  return op_case;
}

struct Entropy {
  std::string name;
  std::int64_t rows, classes;
  graph::CrossEntropyAttrs attrs{};
  bool is_small = true;
};

OpCase entropy(const Entropy& e) {
  OpCase op_case{.name = "softmax_cross_entropy: " + e.name, .build = [e](CaseGraph& g) {
                   const ValueId logits = g.parameter("logits", {e.rows, e.classes});
                   std::optional<ValueId> labels;
                   if (!e.attrs.labels_are_diagonal) labels = g.labels("labels", e.rows, e.classes);
                   const ValueId loss = graph::softmax_cross_entropy(g.graph(), logits, labels, e.attrs, "loss");
                   const graph::NodeId node = g.graph().value(loss).producer;
                   g.plain_result(g.graph().output(node, 1), "probabilities");
                   g.plain_result(g.graph().output(node, 2), "hits");
                   g.loss(loss, "loss");
                 }};
  op_case.is_small = e.is_small;
  return op_case;
}

// Targets that sum to whatever they do.
OpCase soft_entropy(const std::string& name, std::int64_t rows, std::int64_t classes, bool is_small = true) {
  OpCase op_case{.name = "soft_cross_entropy: " + name, .build = [=](CaseGraph& g) {
                   const ValueId logits = g.parameter("logits", {rows, classes});
                   const ValueId targets = g.input("targets", {rows, classes}, Fill::positive);
                   const ValueId loss = graph::soft_cross_entropy(g.graph(), logits, targets, "loss");
                   g.plain_result(g.graph().output(g.graph().value(loss).producer, 1), "probabilities");
                   g.loss(loss, "loss");
                 }};
  op_case.is_small = is_small;
  return op_case;
}

// ctr(q, k) of MoCo v3 with temperature 0.2: logits of unit vectors over tau, times 2 tau.
OpCase contrastive(const std::string& name, std::int64_t rows, std::int64_t width, bool is_small) {
  OpCase op_case{.name = "contrastive loss: " + name, .build = [=](CaseGraph& g) {
                   const ValueId q = graph::l2_normalize(g.graph(), g.activation("q", {rows, width}), kEps, "q_unit");
                   const ValueId k = graph::l2_normalize(g.graph(), g.activation("k", {rows, width}), kEps, "k_unit");
                   const ValueId logits = graph::linear(g.graph(), q, k, std::nullopt, "logits");
                   graph::CrossEntropyAttrs attrs{.logit_scale = 5.0F, .loss_scale = 0.4F};
                   attrs.labels_are_diagonal = true;
                   g.loss(graph::softmax_cross_entropy(g.graph(), logits, std::nullopt, attrs, "ctr"), "loss");
                 }};
  op_case.is_small = is_small;
  return op_case;
}

// Loss, hits and dlogits for chosen logits.
struct EntropyResult {
  std::vector<double> loss, hits, gradient;
};
EntropyResult evaluate(const backend::Backend& backend, const std::vector<double>& logits, std::int64_t rows,
                       const graph::CrossEntropyAttrs& attrs, const std::vector<double>& labels) {
  const auto classes = static_cast<std::int64_t>(logits.size()) / rows;
  CaseGraph g(DType::f32, false);
  const ValueId x = g.parameter("logits", {rows, classes});
  const ValueId loss = graph::softmax_cross_entropy(g.graph(), x, g.labels("labels", rows, classes), attrs, "loss");
  g.plain_result(g.graph().output(g.graph().value(loss).producer, 2), "hits");
  g.loss(loss, "loss");
  CaseProgram program(g, g.lower(false), backend);
  program.set_parameter("logits", logits);
  program.set_input("labels", labels);
  program.run();
  return {program.output("loss"), program.output("hits"), program.gradient("logits")};
}

void known_answers(Suite& suite, const backend::Backend& backend) {
  const std::string who = backend.describe().name;
  suite.test("softmax_cross_entropy: the value of a small case, " + who, [&](Check& check) {
    // p = (1, 2, 5) / 8; the loss of label 1 is ln 4.
    const std::vector logits{0.0, std::log(2.0), std::log(5.0)};
    const EntropyResult result = evaluate(backend, logits, 1, {}, {1});
    check_close(check, "loss", result.loss, std::vector{std::log(4.0)}, 1e-6);
    check_close(check, "hits", result.hits, std::vector{0.0}, 0);
    check_close(check, "gradient", result.gradient, std::vector{0.125, -0.75, 0.625}, 1e-6);
  });
  suite.test("softmax_cross_entropy: label smoothing mixes in the uniform distribution, " + who, [&](Check& check) {
    graph::CrossEntropyAttrs attrs;
    attrs.label_smoothing = 0.3F;
    const std::vector logits{0.0, std::log(2.0), std::log(5.0)};
    const EntropyResult result = evaluate(backend, logits, 1, attrs, {2});
    const double expected = 0.8 * std::log(8.0 / 5) + 0.1 * std::log(8.0) + 0.1 * std::log(4.0);
    check_close(check, "loss", result.loss, std::vector{expected}, 1e-6);
    check_close(check, "hits", result.hits, std::vector{1.0}, 0);
    check_close(check, "gradient", result.gradient, std::vector{0.125 - 0.1, 0.25 - 0.1, 0.625 - 0.8}, 1e-5);
  });
  suite.test("softmax_cross_entropy: huge logits give a finite loss, " + who, [&](Check& check) {
    const EntropyResult result = evaluate(backend, {1e4, -1e4, -1e4, 1e4}, 2, {}, {0, 0});
    check_close(check, "loss", result.loss, std::vector{1e4}, 1e-6);
    check_close(check, "hits", result.hits, std::vector{0.5}, 0);
    check_close(check, "gradient", result.gradient, std::vector{0.0, 0.0, -0.5, 0.5}, 1e-6);
  });
  suite.test("soft_cross_entropy: the value of a small case, " + who, [&](Check& check) {
    CaseGraph g(DType::f32, false);
    const ValueId logits = g.parameter("logits", {2, 3}), targets = g.input("targets", {2, 3});
    g.loss(graph::soft_cross_entropy(g.graph(), logits, targets, "loss"), "loss");
    CaseProgram program(g, g.lower(false), backend);
    // Probabilities (1, 2, 5) / 8 and (0, 1, 1) / 2: a class that is out of the question counts nothing where no target
    // asks for it.
    const double never = -std::numeric_limits<double>::infinity();
    program.set_parameter("logits", std::vector{0.0, std::log(2.0), std::log(5.0), never, 0.0, 0.0});
    program.set_input("targets", std::vector{0.5, 0.0, 0.25, 0.0, 1.0, 0.0});
    program.run();
    const double expected = 0.5 * std::log(8.0) + 0.25 * std::log(8.0 / 5) + std::log(2.0);
    check_close(check, "loss", program.output("loss"), std::vector{expected}, 1e-6);
    const std::vector gradient{0.75 / 8 - 0.5, 1.5 / 8, 3.75 / 8 - 0.25, 0.0, -0.5, 0.5};
    check_close(check, "gradient", program.gradient("logits"), gradient, 1e-6);
  });
  suite.test("l2_normalize: a row of zeros stays zero, " + who, [&](Check& check) {
    CaseGraph g(DType::f32, false);
    g.plain_result(graph::l2_normalize(g.graph(), g.activation("x", {2, 2}), kEps, "l2"), "y");
    CaseProgram program(g, g.lower(false), backend);
    program.set_parameter("x", std::vector<double>{0, 0, 3, -4});
    program.run();
    check_close(check, "y", program.output("y"), std::vector{0.0, 0.0, 0.6, -0.8}, 1e-6);
  });
}

// NT-Xent of SimCLR: both views one below the other, each row against all others.
OpCase nt_xent(const std::string& name, std::int64_t rows, std::int64_t width, bool is_small) {
  OpCase op_case{.name = "NT-Xent: " + name, .build = [=](CaseGraph& g) {
                   const ValueId a = graph::l2_normalize(g.graph(), g.activation("a", {rows, width}), kEps, "a_unit");
                   const ValueId b = graph::l2_normalize(g.graph(), g.activation("b", {rows, width}), kEps, "b_unit");
                   const ValueId z = graph::concat_rows(g.graph(), a, b, "z");
                   const ValueId logits = graph::linear(g.graph(), z, z, std::nullopt, "logits");
                   graph::CrossEntropyAttrs attrs{.logit_scale = 5.0F};
                   attrs.labels_are_diagonal = true;
                   attrs.excludes_self = true;
                   attrs.diagonal_offset = rows;
                   g.loss(graph::softmax_cross_entropy(g.graph(), logits, std::nullopt, attrs, "nt_xent"), "loss");
                 }};
  op_case.is_small = is_small;
  return op_case;
}

}  // namespace

std::vector<OpCase> loss_cases() {
  std::vector<OpCase> cases{normalize("one element", {3, 1}), normalize("odd", {3, 5}),
                            normalize("prime", {17, 131}, false), normalize("projections", {32, 256}, false)};
  graph::CrossEntropyAttrs scaled{.logit_scale = 5.0F, .loss_scale = 0.4F};
  graph::CrossEntropyAttrs diagonal = scaled, smooth = scaled;
  diagonal.labels_are_diagonal = true;
  graph::CrossEntropyAttrs shifted = diagonal;
  shifted.diagonal_offset = 3;
  smooth.label_smoothing = 0.1F;
  const auto others = [&](std::int64_t offset) {
    graph::CrossEntropyAttrs attrs = diagonal;
    attrs.excludes_self = true;
    attrs.diagonal_offset = offset;
    return attrs;
  };
  for (const Entropy& e : std::vector<Entropy>{
           {"labels", 5, 7},
           {"one row", 1, 4},
           {"one class", 3, 1},
           {"scaled", 5, 7, scaled},
           {"smoothed", 5, 7, smooth},
           {"diagonal", 5, 5, diagonal},
           {"diagonal of the second rank", 3, 9, shifted},
           {"a thousand classes", 16, 1000, smooth, false},
           {"contrastive batch", 128, 128, diagonal, false},
           {"without itself, two rows", 2, 2, others(1)},
           {"without itself, odd", 6, 6, others(3)},
           {"without itself, tails on both sides", 46, 46, others(23), false},
           {"without itself, a batch", 256, 256, others(128), false},
       })
    cases.push_back(entropy(e));
  cases.push_back(soft_entropy("odd", 5, 7));
  cases.push_back(soft_entropy("one row", 1, 4));
  cases.push_back(soft_entropy("one class", 3, 1));
  cases.push_back(soft_entropy("a thousand classes", 16, 1000, false));
  cases.push_back(contrastive("odd", 3, 5, true));
  cases.push_back(contrastive("a batch", 32, 256, false));
  cases.push_back(nt_xent("odd", 3, 5, true));
  cases.push_back(nt_xent("a batch", 32, 256, false));
  return cases;
}

void loss(Suite& suite) {
  run_cases(suite, loss_cases());

  known_answers(suite, *backend::make_reference_backend());
  known_answers(suite, *make_test_backend());
  suite.test("softmax_cross_entropy: a label outside the classes is an error of the reference backend",
             [](Check& check) {
               check.throws(Code::invalid_argument, "label 3 of 3 classes", [] {
                 evaluate(*backend::make_reference_backend(), {0, 0, 0}, 1, {}, {3});
               });
             });
}

}  // namespace gyrus::tests::suites
