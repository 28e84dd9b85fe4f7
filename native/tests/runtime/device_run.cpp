// Programs on a device whose memory the host cannot read, on a pretended one: every number must be the one that the
// same kernels leave in the host's memory, to the last bit.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/philox.h"
#include "graph/ops.h"
#include "passes/passes.h"
#include "runtime/program.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/harness/suites.h"
#include "tests/runtime/pretended_device.h"

namespace gyrus::tests::suites {
namespace {

using backend::StepPart;
using runtime::ParameterStore;
using runtime::Program;
using runtime::RunEnd;

constexpr std::int64_t kRows = 6, kWidth = 20, kClasses = 5;
constexpr const char* kWeight = "fc.weight";

graph::ParameterSpecs specs() {
  graph::ParameterSpec weight, bias;
  weight.name = kWeight;
  weight.shape = Shape{kClasses, kWidth};
  weight.has_ema = true;
  bias.name = "fc.bias";
  bias.shape = Shape{kClasses};
  return {weight, bias};
}

// A classifier's step: ema, loss, gradients, AdamW; over micro-batches the gradients' sum before it.
graph::Graph step_graph(bool is_micro) {
  graph::Graph graph;
  const auto x = graph.add_source(graph::Role::input, "x", {Shape{kRows, kWidth}, DType::f32});
  const auto labels = graph.add_source(graph::Role::input, "labels", {Shape{kRows}, DType::i32});
  const auto weight = graph.add_source(graph::Role::parameter, kWeight, {Shape{kClasses, kWidth}, DType::f32});
  const auto bias = graph.add_source(graph::Role::parameter, "fc.bias", {Shape{kClasses}, DType::f32});
  const auto copy = graph.add_source(graph::Role::ema, kWeight, {Shape{kClasses, kWidth}, DType::f32});
  graph::ema_update(graph, {copy});
  const auto logits = graph::linear(graph, x, weight, bias, "fc");
  const auto loss = graph::softmax_cross_entropy(graph, logits, labels, {}, "loss");
  graph.mark_output(loss, "loss");
  const std::vector<passes::Target> targets{{loss, std::nullopt}};
  const std::vector<std::string> trainable{kWeight, "fc.bias"};
  graph = passes::autodiff(graph, targets, trainable);
  std::vector<graph::ValueId> gradients;
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    if (graph.values()[i].role == graph::Role::gradient) gradients.push_back({static_cast<std::int32_t>(i)});
  }
  if (is_micro) graph::gradient_accumulate(graph, gradients);
  graph::adamw_update(graph, gradients, {});
  return passes::schedule(passes::simplify(graph));
}

struct Trainer {
  explicit Trainer(const backend::Backend& backend, bool is_micro = false) : store(specs(), DType::f32) {
    float* const weight = static_cast<float*>(store.parameter(kWeight));
    for (std::int64_t i = 0; i < kClasses * kWidth; ++i) {
      weight[i] = Philox{1, 2}.uniform(static_cast<std::uint64_t>(i)) - 0.5F;
    }
    store.bump_version();
    store.allocate_training(2, is_micro);
    program = Program::compile(step_graph(is_micro), backend, store, {.guarded_outputs = {"loss"}});
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{3, 4}.uniform(i) * 2 - 1;
  }

  RunEnd step(std::int64_t number, StepPart part = StepPart::whole) {
    const std::vector<const void*> inputs{x.data(), labels.data()};
    const backend::Hyper hyper{.lr = 0.01F, .weight_decay = 0.1F, .ema_momentum = 0.9F, .step = number, .part = part};
    return program->run(inputs, hyper);
  }
  float loss() const { return *static_cast<const float*>(program->output("loss")); }
  // Weights, their momentum copy, both moments, one after the other.
  std::vector<float> numbers() const {
    std::vector<float> all;
    for (const void* tensor : {store.parameter(kWeight), store.ema(kWeight), store.slot(0, kWeight),
                               store.slot(1, kWeight), store.parameter("fc.bias")}) {
      const std::int64_t count = tensor == store.parameter("fc.bias") ? kClasses : kClasses * kWidth;
      const auto* const values = static_cast<const float*>(tensor);
      all.insert(all.end(), values, values + count);
    }
    return all;
  }

  ParameterStore store;
  std::unique_ptr<Program> program;
  std::vector<float> x = std::vector<float>(kRows * kWidth);
  std::vector<std::int32_t> labels{0, 1, 2, 3, 4, 0};
};

void run_steps(Check& check) {
  const auto host = make_emulated_backend();
  const PretendedDevice device(make_emulated_backend());
  Trainer expected(*host), found(device);
  for (std::int64_t step = 1; step <= 4; ++step) {
    check.that(expected.step(step) == RunEnd::done && found.step(step) == RunEnd::done, "step ", step, " is done");
    check.equal(found.loss(), expected.loss(), text("the loss of step ", step));
  }
  check.that(found.numbers() == expected.numbers(), "parameters, copies and moments after four steps");
  check.equal(device.pretended_queue().recordings(), 1, "recordings");
  for (const std::int64_t offset : found.program->placement().offsets) {
    check.equal(offset % 256, 0, "the rest of a place in the device's arena");
  }
  check.equal(device.pretended_queue().launches(), 3, "launches: all steps but the first");
}

constexpr StepPart kParts[] = {StepPart::first, StepPart::middle, StepPart::middle, StepPart::last};

void run_parts(Check& check) {
  const auto host = make_emulated_backend();
  const PretendedDevice device(make_emulated_backend());
  Trainer expected(*host, true), found(device, true);
  for (std::int64_t step = 1; step <= 3; ++step) {
    for (const StepPart part : kParts) {
      for (Trainer* trainer : {&expected, &found}) {
        trainer->x[static_cast<std::size_t>(part)] += 0.25F;
        check.that(trainer->step(step, part) == RunEnd::done, "a part of step ", step, " is done");
      }
      check.equal(found.loss(), expected.loss(), text("the loss of step ", step));
    }
  }
  check.that(found.numbers() == expected.numbers(), "parameters, copies and moments after three steps");
  check.equal(device.pretended_queue().recordings(), 3, "recordings: one of the first, the middle and the last part");
  check.equal(device.pretended_queue().launches(), 9, "launches: all of twelve parts but each kind's first");
}

// As on the host: a part without a finite loss adds nothing to the sum of the others.
void leave_out_a_bad_part(Check& check) {
  const PretendedDevice device(make_emulated_backend());
  Trainer without(device, true), with(device, true);
  for (Trainer* trainer : {&without, &with}) {
    check.that(trainer->step(1, StepPart::first) == RunEnd::done, "the first part is done");
    if (trainer == &with) {
      const float before = std::exchange(trainer->x[7], std::numeric_limits<float>::quiet_NaN());
      check.that(trainer->step(1, StepPart::middle) == RunEnd::non_finite, "a NaN in the input ends the part");
      trainer->x[7] = before;
    }
    check.that(trainer->step(1, StepPart::last) == RunEnd::done, "the last part is done");
  }
  check.that(with.numbers() == without.numbers(), "parameters after a step with a bad part and without it");
}

// Finite inputs and weights whose products are not.
void name_a_bad_kernel(Check& check) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device);
  trainer.x.assign(trainer.x.size(), std::numeric_limits<float>::max());
  static_cast<float*>(trainer.store.parameter(kWeight))[0] = 8;
  trainer.store.bump_version();
  check.that(trainer.step(1) == RunEnd::non_finite, "the loss is not finite");
  const std::vector<const void*> inputs{trainer.x.data(), trainer.labels.data()};
  const std::string first = trainer.program->first_non_finite(inputs, {});
  check.that(first.find("the output of linear fc") == 0, "the first bad value is in ", first);
}

void keep_weights_of_a_bad_step(Check& check) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device);
  check.that(trainer.step(1) == RunEnd::done, "the first step is done");
  const std::vector<float> before = trainer.numbers();
  trainer.x[7] = std::numeric_limits<float>::quiet_NaN();
  check.that(trainer.step(2) == RunEnd::non_finite, "a NaN in the input ends the step");
  std::vector<float> after = trainer.numbers();
  // The momentum copy has moved, as on the CPU; weights and moments have not.
  constexpr std::size_t kCount = kClasses * kWidth;
  std::copy_n(before.begin() + kCount, kCount, after.begin() + kCount);
  check.that(after == before, "weights and moments after a step without a finite loss");
  const std::vector<const void*> inputs{trainer.x.data(), trainer.labels.data()};
  check.equal(trainer.program->first_non_finite(inputs, {}), std::string("the input x"), "the first bad value");
}

void see_what_the_host_writes(Check& check) {
  const auto host = make_emulated_backend();
  const PretendedDevice device(make_emulated_backend());
  Trainer expected(*host), found(device);
  for (Trainer* trainer : {&expected, &found}) {
    for (std::int64_t step = 1; step <= 2; ++step) trainer->step(step);
    static_cast<float*>(trainer->store.parameter(kWeight))[3] = 0.75F;
    trainer->store.bump_version();
    trainer->step(3);
  }
  check.that(found.numbers() == expected.numbers(), "a weight that the host changed between steps");
  check.equal(found.loss(), expected.loss(), "the loss after it");
}

void time_kernels(Check& check) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device);
  std::vector<runtime::KernelTime> times;
  const std::vector<const void*> inputs{trainer.x.data(), trainer.labels.data()};
  const std::atomic<bool> stop{true};
  check.that(trainer.program->run(inputs, {}, &stop, &times) == RunEnd::stopped, "a stop before the first kernel");
  check.that(times.empty(), "nothing ran");
  trainer.program->run(inputs, {.lr = 0.01F}, nullptr, &times);
  check.equal(times.size(), trainer.program->kernel_count(), "times, one a kernel");
}

}  // namespace

void device_run(Suite& suite) {
  suite.test("steps on a device equal the host's to the last bit", run_steps);
  suite.test("parts of steps on a device equal the host's to the last bit", run_parts);
  suite.test("a part without a finite loss adds nothing to the sum", leave_out_a_bad_part);
  suite.test("the first value that is not finite is found on the device", name_a_bad_kernel);
  suite.test("a loss that is not finite changes no weight", keep_weights_of_a_bad_step);
  suite.test("what the host writes between steps reaches the device", see_what_the_host_writes);
  suite.test("times of every kernel, and a stop", time_kernels);
}

}  // namespace gyrus::tests::suites
