// The optimizers and the momentum update: the reference backend against known answers, the CPU backend against the
// reference over several steps. Weight decay and LARS's adaptation belong to the matrix w, not to the vector b.
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/harness/case_program.h"
#include "tests/harness/compare.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

using Values = std::vector<double>;
using AppendUpdate = std::function<void(graph::Graph&, std::vector<ValueId>)>;

// Parameters whose gradients are whatever the test puts into their seeds: y = p + 0.
struct Training {
  CaseGraph source{DType::f32, false};
  graph::Graph lowered;
};

Training make_training(const std::vector<std::pair<std::string, Shape>>& parameters, const AppendUpdate& append) {
  Training training;
  for (const auto& [name, shape] : parameters) {
    const ValueId p = training.source.parameter(name, shape, name == "zero" ? Fill::zero : Fill::normal);
    const ValueId offset = training.source.input("offset of " + name, shape, Fill::zero);
    training.source.seeded_result(graph::add(training.source.graph(), p, offset, "sum of " + name), "y of " + name);
  }
  training.lowered = training.source.lower(false);
  std::vector<ValueId> gradients;
  for (std::size_t v = 0; v < training.lowered.values().size(); ++v) {
    const ValueId id{static_cast<std::int32_t>(v)};
    if (training.lowered.value(id).role == graph::Role::gradient) gradients.push_back(id);
  }
  append(training.lowered, gradients);
  return training;
}

AppendUpdate sgd(const graph::SgdAttrs& attrs) {
  return
      [attrs](graph::Graph& g, std::vector<ValueId> gradients) { graph::sgd_update(g, std::move(gradients), attrs); };
}
AppendUpdate adamw(const graph::AdamwAttrs& attrs) {
  return
      [attrs](graph::Graph& g, std::vector<ValueId> gradients) { graph::adamw_update(g, std::move(gradients), attrs); };
}
AppendUpdate lars(const graph::LarsAttrs& attrs) {
  return
      [attrs](graph::Graph& g, std::vector<ValueId> gradients) { graph::lars_update(g, std::move(gradients), attrs); };
}

struct Update {
  std::string name;
  AppendUpdate append;
  Values w, b;  // after the three steps of known_answer()
};

// w, b after three steps with the gradients, rates and decay below, computed in f64: SGD and AdamW by torch.optim 2.13
// (weight decay on w alone), LARS by NumPy from the formulas in naive_optimizer.cpp.
const std::vector<Update>& updates() {
  using graph::LarsVariant;
  const Values b_momentum{-0.0394, -0.2002};
  static const std::vector<Update> kAll = {
      {"sgd",
       sgd({.momentum = 0.9F}),
       {0.5123140695, -0.963948189, -0.05936702025, 2.004592448, -0.86680316925, 1.3716272085},
       b_momentum},
      {"sgd with dampening",
       sgd({.momentum = 0.9F, .dampening = 0.5F}),
       {0.459354417375, -0.96509884725, -0.0125198050625, 2.075955712, -0.837942642313, 1.29535950213},
       {-0.0004, -0.1387}},
      {"sgd with Nesterov momentum",
       sgd({.momentum = 0.9F, .nesterov = true}),
       {0.4794445768, -0.884046196551, -0.173648378845, 2.05692553323, -0.987408781036, 1.4575515804},
       {-0.01546, -0.26518}},
      {"sgd without momentum",
       sgd({.momentum = 0.0F}),
       {0.4682667195, -0.916488489, 0.10431080475, 2.052962048, -0.88235764425, 1.5724851585},
       {0.11, -0.265}},
      {"adamw",
       adamw({}),
       {0.44410835036, -0.888867765936, -0.0521735946406, 2.07046483538, -0.927943405685, 1.36740140064},
       {-0.119294314823, -0.128987010549}},
      {"lars of MoCo v3",
       lars({.variant = LarsVariant::moco_v3, .trust = 0.02F}),
       {0.501351449276, -0.998783254228, 0.236142564394, 1.99908879024, -0.754960396719, 1.49468751453},
       b_momentum},
      {"lars of solo-learn",
       lars({.variant = LarsVariant::solo_learn, .trust = 0.02F}),
       {0.587968763572, -1.05367965288, 0.118738255494, 1.88734146928, -0.733943219901, 1.40167476396},
       b_momentum},
      {"lars of solo-learn without clipping",
       lars({.variant = LarsVariant::solo_learn, .trust = 0.02F, .clip = false}),
       {0.501366979128, -0.998879607986, 0.236431790764, 1.99904839052, -0.754775602681, 1.49466456371},
       b_momentum},
  };
  return kAll;
}

constexpr std::array<float, 3> kRates{0.1F, 0.05F, 0.2F};
constexpr float kDecay = 0.01F;

void known_answer(Check& check, const Update& update, const backend::Backend& backend) {
  const Values w_gradients[] = {
      {0.3, -0.1, 0.7, -0.5, 0.2, 0.9}, {-0.6, 0.4, 0.1, 0.8, -0.3, 0.05}, {0.15, -0.45, 0.35, -0.25, 0.65, -0.85}};
  const Values b_gradients[] = {{0.2, -0.4}, {0.6, 0.1}, {-0.3, 0.5}};
  const Training training = make_training({{"w", {2, 3}}, {"b", {2}}}, update.append);
  CaseProgram program(training.source, training.lowered, backend, 2);
  program.set_parameter("w", Values{0.5, -1.0, 0.25, 2.0, -0.75, 1.5});
  program.set_parameter("b", Values{0.1, -0.2});
  for (std::size_t i = 0; i < kRates.size(); ++i) {
    program.set_input("seed of y of w", w_gradients[i]);
    program.set_input("seed of y of b", b_gradients[i]);
    program.run({.lr = kRates[i], .weight_decay = kDecay, .step = static_cast<std::int64_t>(i) + 1});
  }
  // Rates and coefficients are floats: 0.1F is 1.5e-9 off 0.1.
  check_close(check, "w", program.parameter("w"), update.w, 1e-6);
  check_close(check, "b", program.parameter("b"), update.b, 1e-6);
}

// Five steps over tensors with tails, one of them zero (a norm of zero for LARS). The first has a rate of zero, as a
// warm-up that starts from nothing gives it: the moments must move all the same.
void against_reference(Check& check, const Update& update, const backend::Backend& backend) {
  const std::vector<std::pair<std::string, Shape>> parameters{
      {"w", {37, 53}},   {"b", {131}},      {"zero", {3, 4}},      {"one", {1}},
      {"slow", {11, 7}}, {"slow too", {5}}, {"conv", {5, 3, 3, 3}}};
  const Training training = make_training(parameters, update.append);
  const auto reference = backend::make_reference_backend();
  CaseProgram expected(training.source, training.lowered, *reference, 2),
      found(training.source, training.lowered, backend, 2);
  for (std::int64_t step = 1; step <= 5; ++step) {
    for (CaseProgram* program : {&expected, &found}) {
      for (const auto& [name, shape] : parameters) {
        program->set_input("seed of y of " + name, fill_values(text(name, step), shape.elements(), Fill::normal));
      }
      program->run({.lr = 0.05F * static_cast<float>(step - 1), .weight_decay = kDecay, .step = step});
    }
  }
  for (const auto& [name, shape] : parameters) {
    check_close(check, name, found.parameter(name), expected.parameter(name), 2e-6);
  }
}

// A parameter that learns at a quarter of four times the rate is like one that learns at the rate.
void scaled_rate(Check& check, const Update& update, const backend::Backend& backend) {
  const Training slow = make_training({{"slow", {2, 3}}}, update.append),
                 plain = make_training({{"w", {2, 3}}}, update.append);
  CaseProgram found(slow.source, slow.lowered, backend, 2), expected(plain.source, plain.lowered, backend, 2);
  const Values start{0.5, -1.0, 0.25, 2.0, -0.75, 1.5};
  found.set_parameter("slow", start);
  expected.set_parameter("w", start);
  for (std::int64_t step = 1; step <= 3; ++step) {
    const Values gradient = fill_values(text("g", step), 6, Fill::normal);
    found.set_input("seed of y of slow", gradient);
    expected.set_input("seed of y of w", gradient);
    found.run({.lr = 0.125F / CaseGraph::kSlow, .weight_decay = kDecay, .step = step});
    expected.run({.lr = 0.125F, .weight_decay = kDecay, .step = step});
  }
  check_close(check, "slow", found.parameter("slow"), expected.parameter("w"), 1e-7);
  check.that(found.parameter("slow") != start, "nothing was learned");
}

void momentum_update(Check& check, const backend::Backend& backend) {
  CaseGraph source(DType::f32, false);
  const Shape shape{7, 19};
  source.parameter("p", shape);
  source.parameter("without copy", {3});
  graph::ema_update(source.graph(), {source.momentum_copy("p")});
  CaseProgram program(source, source.lower(false), backend);
  Values expected = program.parameter("p");
  check_close(check, "the copy at the start", program.ema("p"), expected, 0);
  for (const double momentum : {0.75, 0.5, 1.0}) {
    const Values moved = fill_values(text("moved ", momentum), shape.elements(), Fill::normal);
    program.set_parameter("p", moved);
    program.run({.ema_momentum = static_cast<float>(momentum)});
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = momentum * expected[i] + (1 - momentum) * moved[i];
    check_close(check, text("the copy after momentum ", momentum), program.ema("p"), expected, 1e-6);
    check_close(check, "the parameter itself", program.parameter("p"), moved, 0);
  }
}

}  // namespace

void optimizer_on(Suite& suite, const backend::Backend& backend) {
  const std::string who = backend.describe().name;
  for (const Update& update : updates()) {
    suite.test(update.name + ": known answer, " + who, [&](Check& c) { known_answer(c, update, backend); });
    suite.test(update.name + ": a rate of its own, " + who, [&](Check& c) { scaled_rate(c, update, backend); });
    if (backend.describe().storage == DType::f64) continue;
    suite.test(update.name + ": " + who + " against reference",
               [&](Check& c) { against_reference(c, update, backend); });
  }
  suite.test("ema: " + who, [&](Check& c) { momentum_update(c, backend); });
}

void optimizer(Suite& suite) {
  optimizer_on(suite, *backend::make_reference_backend());
  optimizer_on(suite, *make_test_backend());
}

}  // namespace gyrus::tests::suites
