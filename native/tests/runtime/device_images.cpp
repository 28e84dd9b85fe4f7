// Images on their way into a network on a pretended device: no memory but where they are read, the same numbers whether
// the host brings them, sends them ahead or a feed makes them, and a recording for each slot in place of a copy.
#include <array>
#include <cstring>
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

using runtime::ParameterStore;
using runtime::Program;
using runtime::RunEnd;

constexpr std::int64_t kRows = 4, kChannels = 3, kSide = 8, kPixels = kSide * kSide, kClasses = 5;
constexpr std::int64_t kElements = kRows * kChannels * kPixels;
constexpr const char* kWeight = "fc.weight";

graph::ParameterSpecs specs() {
  graph::ParameterSpec weight, bias;
  weight.name = kWeight;
  weight.shape = Shape{kClasses, kChannels};
  bias.name = "fc.bias";
  bias.shape = Shape{kClasses};
  return {weight, bias};
}

// Two images of a row, whose pooled pixels are classified one after the other; SGD.
graph::Graph step_graph(DType compute) {
  graph::Graph graph;
  std::vector<graph::ValueId> images;
  for (const char* name : {"x1", "x2"}) {
    images.push_back(graph.add_source(graph::Role::input, name, {Shape{kRows, kChannels, kSide, kSide}, DType::f32}));
  }
  const auto labels = graph.add_source(graph::Role::input, "labels", {Shape{kRows}, DType::i32});
  const auto weight = graph.add_source(graph::Role::parameter, kWeight, {Shape{kClasses, kChannels}, DType::f32});
  const auto bias = graph.add_source(graph::Role::parameter, "fc.bias", {Shape{kClasses}, DType::f32});
  std::vector<passes::Target> targets;
  for (const std::size_t view : {0, 1}) {
    const std::string name = "view" + std::to_string(view);
    const auto pixels = graph::to_channels_last(graph, images[view], compute, name);
    auto pooled = graph::global_avg_pool(graph, graph::relu(graph, pixels, name + ".relu"), name + ".pool");
    if (compute != DType::f32) pooled = graph::cast(graph, pooled, DType::f32, name + ".cast");
    const auto logits = graph::linear(graph, pooled, weight, bias, name + ".fc");
    const auto loss = graph::softmax_cross_entropy(graph, logits, labels, {}, name + ".loss");
    graph.mark_output(loss, name);
    targets.push_back({loss, std::nullopt});
  }
  const std::vector<std::string> trainable{kWeight, "fc.bias"};
  graph = passes::autodiff(graph, targets, trainable);
  std::vector<graph::ValueId> gradients;
  for (std::size_t i = 0; i < graph.values().size(); ++i) {
    if (graph.values()[i].role == graph::Role::gradient) gradients.push_back({static_cast<std::int32_t>(i)});
  }
  graph::sgd_update(graph, gradients, {});
  return passes::schedule(passes::simplify(graph));
}

using Views = std::array<std::vector<float>, 2>;

Views views_of(std::uint64_t step) {
  Views views;
  for (const std::size_t view : {0, 1}) {
    for (std::int64_t i = 0; i < kElements; ++i) {
      views.at(view).push_back(Philox{7, 2 * step + view}.uniform(static_cast<std::uint64_t>(i)) * 2 - 1);
    }
  }
  return views;
}

struct Trainer {
  Trainer(const backend::Backend& backend, DType compute) : store(specs(), DType::f32) {
    auto* const weight = static_cast<float*>(store.parameter(kWeight));
    for (std::int64_t i = 0; i < kClasses * kChannels; ++i) {
      weight[i] = Philox{1, 2}.uniform(static_cast<std::uint64_t>(i)) - 0.5F;
    }
    store.bump_version();
    store.allocate_training(1, false);
    if (backend.queue()) store.mirror_on(backend.queue());
    before = backend.queue() ? static_cast<PretendedQueue&>(*backend.queue()).used() : 0;
    program = Program::compile(step_graph(compute), backend, store, {.guarded_outputs = {"view0", "view1"}});
  }
  // Both losses of a step.
  std::vector<float> step(const void* x1, const void* x2, std::uint64_t prefetched = 0) {
    const std::vector<const void*> inputs{x1, x2, labels.data()};
    const RunEnd end = program->run(inputs, {.lr = 0.1F, .step = ++steps}, nullptr, nullptr, prefetched);
    GYRUS_ASSERT(end == RunEnd::done);
    return {*static_cast<const float*>(program->output("view0")), *static_cast<const float*>(program->output("view1"))};
  }
  std::vector<float> step(const Views& views) { return step(views[0].data(), views[1].data()); }

  ParameterStore store;
  std::int64_t before = 0, steps = 0;
  std::unique_ptr<Program> program;
  std::vector<std::int32_t> labels{0, 1, 4, 2};
};

// What an augmentation would write: the views, channels last, in the network's precision.
class Feed final : public runtime::InputFeed {
 public:
  Feed(PretendedQueue& queue, const Program& program) : queue_(queue) {
    for (const std::size_t view : {0, 1}) network_.at(view) = program.network_input(view);
  }
  std::size_t take() override { return slot_; }
  void write(std::size_t slot, std::size_t number) override {
    const PretendedMemory::Access access(queue_.memory());
    const std::vector<float>& from = slots_.at(slot).at(number);
    for (std::int64_t i = 0; i < kElements; ++i) {
      const std::int64_t image = i / (kPixels * kChannels), pixel = i / kChannels % kPixels, channel = i % kChannels;
      const float value = from[static_cast<std::size_t>((image * kChannels + channel) * kPixels + pixel)];
      if (network_.at(number).dtype == DType::bf16) {
        static_cast<bf16_t*>(network_.at(number).data)[i] = to_bf16(value);
      } else {
        static_cast<float*>(network_.at(number).data)[i] = value;
      }
    }
  }
  void fill(std::size_t slot, Views views) {
    slot_ = slot;
    slots_.at(slot) = std::move(views);
  }

 private:
  PretendedQueue& queue_;
  std::array<Program::NetworkInput, 2> network_;
  std::array<Views, kMostSlots> slots_;
  std::size_t slot_ = 0;
};

constexpr std::uint64_t kSteps = 6;

std::vector<std::vector<float>> expected_losses(DType compute) {
  const auto host = make_emulated_backend();
  Trainer trainer(*host, compute);
  std::vector<std::vector<float>> losses;
  for (std::uint64_t step = 0; step <= kSteps; ++step) losses.push_back(trainer.step(views_of(step)));
  return losses;
}

void bring(Check& check, DType compute) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device, compute);
  const std::int64_t labels = kRows * size_of(DType::i32);
  check.equal(device.pretended_queue().used() - trainer.before,
              trainer.program->arena_bytes() + labels + static_cast<std::int64_t>(sizeof(backend::Hyper)),
              "device memory of a program: its arena, small inputs, and no place for views");
  const auto expected = expected_losses(compute);
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    check.that(trainer.step(views_of(step)) == expected[step], "the losses of step ", step);
  }
  check.equal(device.pretended_queue().recordings(), 1, "recordings");
}

// Without views the plan of the network alone: it is no larger where they pass through it.
void plan(Check& check) {
  const auto host = make_emulated_backend();
  const PretendedDevice device(make_emulated_backend());
  const Trainer expected(*host, DType::f32), found(device, DType::f32);
  const std::int64_t views = 2 * kElements * size_of(DType::f32);
  const std::int64_t before = expected.program->arena_bytes() + views;  // as it was when views had a place for good
  check.that(found.program->arena_bytes() < before, "an arena of ", found.program->arena_bytes(), " bytes, with views ",
             before);
}

void send_ahead(Check& check, DType compute) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device, compute);
  const auto expected = expected_losses(compute);
  std::vector<Views> views;
  for (std::uint64_t step = 0; step <= kSteps; ++step) views.push_back(views_of(step));
  const auto prefetch = [&](std::uint64_t step) {
    const std::array<const void*, 2> images{views[step][0].data(), views[step][1].data()};
    return trainer.program->prefetch(images);
  };
  std::uint64_t step = 0, ahead = 0;
  trainer.program->while_waiting([&] { ahead = prefetch(step + 1); });
  for (; step < kSteps; ++step) {
    const std::uint64_t own = std::exchange(ahead, 0);
    const std::vector<float> found = trainer.step(views[step][0].data(), views[step][1].data(), own);
    check.that(found == expected[step], "the losses of step ", step);
  }
  check.equal(device.pretended_queue().copies_on_device(), 0, "copies on the device");
  check.equal(device.pretended_queue().recordings(), 2, "recordings, one a slot");
  check.equal(device.pretended_queue().launches(), 4, "launches: all but the first from the host and from a slot");
  // What was sent and replaced is no run's.
  trainer.program->while_waiting({});
  const std::uint64_t stale = prefetch(0);
  check.that(prefetch(1) != stale, "another number");
  check.that(trainer.step(views[kSteps][0].data(), views[kSteps][1].data(), stale) == expected[kSteps],
             "the losses of views that did not travel ahead");
}

void feed(Check& check, DType compute) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device, compute);
  auto owned = std::make_unique<Feed>(device.pretended_queue(), *trainer.program);
  Feed& feed = *owned;
  trainer.program->set_feed(std::move(owned));
  const auto expected = expected_losses(compute);
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    feed.fill(step % 2, views_of(step));
    check.that(trainer.step(nullptr, nullptr) == expected[step], "the losses of step ", step);
  }
  check.equal(device.pretended_queue().copies_on_device(), 0, "copies on the device");
  check.equal(device.pretended_queue().recordings(), 2, "recordings, one a slot");
  check.equal(device.pretended_queue().launches(), 5, "launches: all steps but the first");
}

// A trainer may be fed now and brought views then.
void take_turns(Check& check) {
  const PretendedDevice device(make_emulated_backend());
  Trainer trainer(device, DType::f32);
  auto owned = std::make_unique<Feed>(device.pretended_queue(), *trainer.program);
  Feed& feed = *owned;
  trainer.program->set_feed(std::move(owned));
  const auto expected = expected_losses(DType::f32);
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    const Views views = views_of(step);
    const std::array<const void*, 2> images{views[0].data(), views[1].data()};
    if (step % 3 == 0) feed.fill(step % 2, views);
    const std::vector<float> found = step % 3 == 0 ? trainer.step(nullptr, nullptr)
                                     : step % 3 == 1
                                         ? trainer.step(views)
                                         : trainer.step(images[0], images[1], trainer.program->prefetch(images));
    check.that(found == expected[step], "the losses of step ", step);
  }
}

}  // namespace

void device_images(Suite& suite) {
  for (const DType compute : {DType::f32, DType::bf16}) {
    const std::string in = text(" in ", name_of(compute));
    suite.test("views that the host brings" + in, [=](Check& check) { bring(check, compute); });
    suite.test("views that travel ahead" + in, [=](Check& check) { send_ahead(check, compute); });
    suite.test("views that a feed makes" + in, [=](Check& check) { feed(check, compute); });
  }
  suite.test("the memory plan is smaller than with a place for views", plan);
  suite.test("one after the other", take_turns);
}

}  // namespace gyrus::tests::suites
