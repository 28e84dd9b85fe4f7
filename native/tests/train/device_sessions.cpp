// Whole sessions on a device whose memory the host cannot touch: the CPU's kernels behind a pretended device must leave
// the very numbers and files that they leave in the host's memory.
#include <string>
#include <vector>

#include "core/philox.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"
#include "tests/runtime/pretended_device.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;
using train::DeviceOptions;
using train::EncoderSession;
using train::SupervisedOptions;
using train::SupervisedSession;

constexpr std::int64_t kBatch = 6, kImage = 32, kClasses = 3;
constexpr const char* kResNet = "resnet18";
constexpr const char* kTransformer = "vit_tiny_patch16_224";
const train::Stop kGoOn{false};
const std::vector<std::int32_t> kLabels{0, 2, 1, 2, 1, 0};

std::unique_ptr<backend::Backend> make_pretended() {
  return std::make_unique<PretendedDevice>(backend::make_cpu_backend(0), Fence::each_run);
}

DeviceOptions device_options(bool is_device) {
  DeviceOptions options{.device = "cpu", .precision = train::Precision::f32};
  if (is_device) options.make = make_pretended;
  return options;
}

nn::EncoderOptions encoder_options(const std::string& arch) {
  return {.arch = arch, .image_height = kImage, .image_width = kImage, .channels = 1};
}

std::vector<float> images(std::uint64_t stream, std::int64_t count = kBatch) {
  std::vector<float> x(static_cast<std::size_t>(count * kImage * kImage));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{17, stream}.uniform(i) * 2 - 1;
  return x;
}

// What a session gave: numbers in the order in which they came, and files.
struct Outcome {
  std::vector<float> numbers;
  std::vector<std::string> files;
  bool operator==(const Outcome&) const = default;
};

struct Kind {
  std::string name, arch, method, optimizer;
  std::int64_t micro_batch = 0;
};

ContrastiveOptions contrastive_options(const Kind& kind, bool is_device) {
  ContrastiveOptions options;
  options.method = kind.method;
  options.encoder = encoder_options(kind.arch);
  options.device = device_options(is_device);
  options.optimizer.name = kind.optimizer;
  options.batch_size = kBatch;
  options.micro_batch = kind.micro_batch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  options.seed = 5;
  return options;
}

void step(ContrastiveSession& session, std::uint64_t number, Outcome& outcome) {
  const train::StepResult result =
      session.step(images(2 * number).data(), images(2 * number + 1).data(), {1e-3F, 0.9F}, kGoOn);
  outcome.numbers.insert(outcome.numbers.end(), {result.loss, result.hits});
}

// Three steps, files of every kind, and a step of another session that goes on from them.
Outcome pretrain(const Kind& kind, bool is_device) {
  const ScratchFolder folder;
  const ContrastiveOptions options = contrastive_options(kind, is_device);
  Outcome outcome;
  const auto session = ContrastiveSession::create(options);
  for (std::uint64_t number = 0; number < 3; ++number) step(*session, number, outcome);
  outcome.numbers.push_back(static_cast<float>(session->health().std));
  session->save(folder.path("weights"));
  session->save_state(folder.path("state"));
  session->save_backbone(folder.path("backbone"), 3, {});
  const auto next = ContrastiveSession::create(options);
  next->load_state(folder.path("state"));
  step(*next, 3, outcome);
  step(*session, 3, outcome);
  session->load(folder.path("weights"));
  step(*session, 3, outcome);
  next->save(folder.path("next"));
  for (const char* name : {"weights", "state", "backbone", "next"}) {
    outcome.files.push_back(read_bytes(folder.path(name)));
  }
  return outcome;
}

// A session on a device and one on the host, and steps of which the device's each sends the next one's views on their
// way while it computes.
struct Ahead {
  std::unique_ptr<ContrastiveSession> device, host;
  std::vector<std::vector<float>> views;
  std::uint64_t number = 0, prefetched = 0;
  int calls = 0;

  Ahead(const Kind& kind, std::uint64_t steps)
      : device(ContrastiveSession::create(contrastive_options(kind, true))),
        host(ContrastiveSession::create(contrastive_options(kind, false))) {
    for (std::uint64_t i = 0; i < 2 * steps + 2; ++i) views.push_back(images(i));
    device->while_waiting([this] {
      ++calls;
      prefetched = device->prefetch(x1(number + 1), x2(number + 1));
    });
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  const float* x1(std::uint64_t step) const { return views[2 * step].data(); }
  const float* x2(std::uint64_t step) const { return views[2 * step + 1].data(); }
};

// Steps of which each sends the next one's views on their way while it runs.
void prefetch(Check& check, const Kind& kind) {
  constexpr std::uint64_t kSteps = 5;
  Ahead ahead(kind, kSteps);
  ContrastiveSession &device = *ahead.device, &host = *ahead.host;
  std::uint64_t &number = ahead.number, &prefetched = ahead.prefetched;
  for (; number < kSteps; ++number) {
    const float *const x1 = ahead.x1(number), *const x2 = ahead.x2(number);
    const auto own = prefetched;
    check.that((own != 0) == (number > 0), "step ", number, " was prefetched unless it is the first");
    const train::StepResult found = device.step(x1, x2, {1e-3F, 0.9F}, kGoOn, nullptr, own);
    const train::StepResult expected = host.step(x1, x2, {1e-3F, 0.9F}, kGoOn, nullptr, host.prefetch(x1, x2));
    check.equal(found.loss, expected.loss, text("the loss of step ", number));
  }
  check.equal(ahead.calls, static_cast<int>(kSteps), "calls while a step computes");
  // What was prefetched for a step that never came is no other step's.
  const std::uint64_t stale = prefetched;
  device.while_waiting({});
  check.that(device.prefetch(ahead.x1(0), ahead.x2(0)) != stale, "another number");
  const float *const x1 = ahead.x1(2), *const x2 = ahead.x2(2);
  const train::StepResult found = device.step(x1, x2, {1e-3F, 0.9F}, kGoOn, nullptr, stale);
  check.equal(found.loss, host.step(x1, x2, {1e-3F, 0.9F}, kGoOn).loss, "the loss of other views");
}

// The same of parts: of a step that takes the whole batch's views, and part by part.
void prefetch_parts(Check& check, const Kind& kind) {
  constexpr std::uint64_t kSteps = 3;
  const train::StepHyper hyper{1e-3F, 0.9F};
  Ahead ahead(kind, 2 * kSteps);
  ContrastiveSession &device = *ahead.device, &host = *ahead.host;
  std::uint64_t &number = ahead.number, &prefetched = ahead.prefetched;
  for (; number < kSteps; ++number) {
    const float *const x1 = ahead.x1(number), *const x2 = ahead.x2(number);
    const auto own = prefetched;
    check.that((own != 0) == (number > 0), "step ", number, " was prefetched unless it is the first");
    check.equal(device.step(x1, x2, hyper, kGoOn, nullptr, own).loss, host.step(x1, x2, hyper, kGoOn).loss,
                text("the loss of step ", number));
  }
  check.equal(ahead.calls, static_cast<int>(kSteps), "calls, one a step: its parts prefetch one another");
  const std::int64_t parts = kBatch / kind.micro_batch, stride = kind.micro_batch * kImage * kImage;
  for (; number < 2 * kSteps; ++number) {
    const float *const x1 = ahead.x1(number), *const x2 = ahead.x2(number);
    std::int64_t next = 0;
    device.while_waiting([&] { prefetched = device.prefetch(x1 + next * stride, x2 + next * stride); });
    prefetched = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
      next = (part + 1) % parts;
      const auto own = prefetched;
      check.that((own != 0) == (part > 0), "part ", part, " was prefetched unless it is the first");
      device.rehearse(part, x1 + part * stride, x2 + part * stride, hyper, kGoOn, own);
      host.rehearse(part, x1 + part * stride, x2 + part * stride, hyper, kGoOn);
    }
    // While the loss is computed, what was prefetched for the first part is prefetched again.
    check.equal(device.contrast(hyper, kGoOn).loss, host.contrast(hyper, kGoOn).loss, text("the loss of ", number));
    for (std::int64_t part = 0; part < parts; ++part) {
      next = (part + 1) % parts;
      const auto own = prefetched;
      device.accumulate(part, x1 + part * stride, x2 + part * stride, hyper, kGoOn, own);
      host.accumulate(part, x1 + part * stride, x2 + part * stride, hyper, kGoOn);
    }
  }
  const ScratchFolder folder;
  device.save_state(folder.path("device"));
  host.save_state(folder.path("host"));
  check.that(read_bytes(folder.path("device")) == read_bytes(folder.path("host")), "the state afterwards");
}

SupervisedOptions supervised_options(const std::string& arch, bool is_device) {
  SupervisedOptions options;
  options.encoder = encoder_options(arch);
  options.device = device_options(is_device);
  options.batch_size = kBatch;
  options.classes = kClasses;
  return options;
}

// Everything that fine-tuning has, at once.
SupervisedOptions finetune_options(bool is_device) {
  SupervisedOptions options = supervised_options(kTransformer, is_device);
  options.optimizer.decays_vectors = false;
  options.class_weights = {1, 2, 0.5F};
  options.label_smoothing = 0.1F;
  options.has_mixup = true;
  options.drop_path = 0.5F;
  options.layer_decay = 0.75F;
  return options;
}

SupervisedOptions probe_options(bool is_device) {
  SupervisedOptions options = supervised_options(kResNet, is_device);
  options.optimizer.name = "sgd";
  options.has_head_batch_norm = true;
  options.is_backbone_frozen = true;
  return options;
}

// Steps with predictions in between, and a session that goes on from the state.
Outcome classify(const SupervisedOptions& options) {
  const ScratchFolder folder;
  Outcome outcome;
  const auto session = SupervisedSession::create(options);
  const auto predict = [&](SupervisedSession& one) {
    constexpr std::int64_t kCount = 5;
    std::vector<float> logits(static_cast<std::size_t>(kCount * kClasses));
    one.predict(images(99, kCount).data(), kCount, logits.data(), kGoOn);
    outcome.numbers.insert(outcome.numbers.end(), logits.begin(), logits.end());
  };
  const auto step = [&](SupervisedSession& one, std::uint64_t number) {
    const float mix = options.has_mixup && number % 2 == 1 ? 0.7F : 1;
    const train::StepResult result = one.step(images(number).data(), kLabels.data(), {1e-3F, 0, mix}, kGoOn);
    outcome.numbers.insert(outcome.numbers.end(), {result.loss, result.hits});
  };
  predict(*session);
  for (std::uint64_t number = 0; number < 3; ++number) {
    step(*session, number);
    predict(*session);
  }
  session->save_state(folder.path("state"));
  session->save(folder.path("weights"));
  const auto next = SupervisedSession::create(options);
  next->load_state(folder.path("state"));
  step(*next, 3);
  predict(*next);
  next->load_backbone(folder.path("weights"));
  predict(*next);
  for (const char* name : {"state", "weights"}) outcome.files.push_back(read_bytes(folder.path(name)));
  return outcome;
}

void prefetch_batches(Check& check, const SupervisedOptions& on_device, const SupervisedOptions& on_host) {
  constexpr std::uint64_t kSteps = 5;
  const auto device = SupervisedSession::create(on_device), host = SupervisedSession::create(on_host);
  std::vector<std::vector<float>> batches;
  for (std::uint64_t i = 0; i <= kSteps; ++i) batches.push_back(images(i));
  const auto hyper_of = [&](std::uint64_t step) {
    return train::StepHyper{1e-3F, 0, on_host.has_mixup && step % 3 != 0 ? 0.7F : 1};
  };
  std::uint64_t number = 0, prefetched = 0;
  device->while_waiting([&] { prefetched = device->prefetch(batches[number + 1].data(), hyper_of(number + 1)); });
  const auto step = [&](SupervisedSession& session, std::uint64_t own) {
    return session.step(batches[number].data(), kLabels.data(), hyper_of(number), kGoOn, nullptr, own);
  };
  for (; number < kSteps; ++number) {
    const auto own = prefetched;
    check.that((own != 0) == (number > 0), "step ", number, " was prefetched unless it is the first");
    check.equal(host->prefetch(batches[number].data(), hyper_of(number)), std::uint64_t{0}, "nothing to gain");
    const train::StepResult found = step(*device, own), expected = step(*host, 0);
    check.equal(found.loss, expected.loss, text("the loss of step ", number));
    check.equal(found.hits, expected.hits, text("the hits of step ", number));
  }
  // Of another mix, or of a step that never came: the images are brought again.
  number = 2;
  const auto stale = prefetched;
  check.equal(step(*device, stale + 1).loss, step(*host, 0).loss, "the loss of a step that was not prefetched");
}

Outcome encode(const std::string& arch, bool is_device) {
  const ScratchFolder folder;
  Outcome outcome;
  const auto session = EncoderSession::create(encoder_options(arch), device_options(is_device), "", 5);
  outcome.numbers.resize(static_cast<std::size_t>(kBatch * session->info().feature_dim));
  session->embed(images(1).data(), kBatch, outcome.numbers.data(), kGoOn);
  for (const train::ExportForm form : {train::ExportForm::torchvision, train::ExportForm::onnx}) {
    session->save(folder.path("encoder"), form, 1, {});
    outcome.files.push_back(read_bytes(folder.path("encoder")));
  }
  return outcome;
}

}  // namespace

void device_sessions(Suite& suite) {
  const std::vector<Kind> kinds{{"MoCo v3 in one piece", kResNet, "mocov3", "adamw"},
                                {"MoCo v3 over micro-batches", kTransformer, "mocov3", "lars", 2},
                                {"SimCLR in one piece", kTransformer, "simclr", "lars"},
                                {"SimCLR over micro-batches", kResNet, "simclr", "sgd", 3}};
  for (const Kind& kind : kinds) {
    suite.test(kind.name + ": the host's numbers and files",
               [&](Check& check) { check.that(pretrain(kind, true) == pretrain(kind, false), "the device's differ"); });
  }
  suite.test("views that travel while the step before runs: the host's losses",
             [&](Check& check) { prefetch(check, kinds.front()); });
  for (const std::size_t kind : {1, 3}) {
    suite.test(kinds[kind].name + ", views that travel while the part before runs: the host's losses",
               [&](Check& check) { prefetch_parts(check, kinds[kind]); });
  }
  suite.test("fine-tuning whose images travel while the step before runs: the host's losses", [](Check& check) {
    prefetch_batches(check, finetune_options(true), finetune_options(false));
    prefetch_batches(check, probe_options(true), probe_options(false));
  });
  suite.test("fine-tuning with soft targets, mixup, stochastic depth and layer decay: the host's numbers and files",
             [](Check& check) {
               check.that(classify(finetune_options(true)) == classify(finetune_options(false)), "the device's differ");
             });
  suite.test("a linear probe: the host's numbers and files", [](Check& check) {
    check.that(classify(probe_options(true)) == classify(probe_options(false)), "the device's differ");
  });
  for (const char* arch : {kResNet, kTransformer}) {
    suite.test(text("features and exports of ", arch, ": the host's"),
               [&](Check& check) { check.that(encode(arch, true) == encode(arch, false), "the device's differ"); });
  }
}

}  // namespace gyrus::tests::suites
