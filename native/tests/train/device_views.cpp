// Pretraining whose views a device makes from slices: on a pretended device with the CPU's kernels the losses and files
// must be those of views that a loader made on the CPU, to the last bit; with the GPU's augmentation, emulated, nearly.
#include <array>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/philox.h"
#include "data/view_loader.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"
#include "tests/runtime/pretended_device.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using data::ViewLoader;
using train::ContrastiveSession;

constexpr std::int64_t kBatch = 4, kImage = 32, kSteps = 6;
const train::Stop kGoOn{false};

std::unique_ptr<backend::Backend> make_pretended() {
  return std::make_unique<PretendedDevice>(backend::make_cpu_backend(0), Fence::each_run);
}
std::unique_ptr<backend::Backend> make_with_gpu_views() {
  return std::make_unique<PretendedDevice>(backend::make_cpu_backend(0), Fence::each_run, make_emulated_augment);
}

struct Kind {
  std::string name, arch, method;
  std::int64_t channels = 1, micro_batch = 0;
  std::size_t slice = 37;
  std::string device = "cpu";
};

void write_shard(const std::string& path, std::size_t rows, std::size_t size) {
  const std::string side = std::to_string(size);
  std::string header =
      "{'descr': '<u2', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " + side + ", " + side + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(header.size()) << '\0' << header;
  for (std::size_t i = 0; i < rows * size * size; ++i) {
    const std::uint32_t bits = Philox{size, rows}.bits(i);
    file << static_cast<char>(bits & 255U) << static_cast<char>(bits >> 8U & 255U);
  }
}

// Everything that can be done to a view, at random. Three steps an epoch.
data::ViewLoaderOptions loader_options(const ScratchFolder& folder, const Kind& kind) {
  data::ViewLoaderOptions options;
  for (const std::size_t rows : {5, 8}) {
    options.shards.push_back(folder.path(std::to_string(rows) + ".npy"));
    write_shard(options.shards.back(), rows, kind.slice);
  }
  options.image_size = kImage;
  options.channels = static_cast<std::size_t>(kind.channels);
  options.batch_size = kBatch;
  options.seed = 11;
  options.threads = 2;
  options.normalization = {0.25F, 0.5F};
  for (imaging::ViewOptions& view : options.views) {
    view.crop = {0.2F, 1};
    view.bias_probability = view.gamma_probability = view.noise_probability = view.jitter_probability = 0.7F;
    view.blur_probability = view.solarize_probability = view.flip_probability = 0.5F;
    view.bias_strength = 0.5F;
    view.gamma = {0.5F, 2};
    view.noise_std = 0.05F;
    view.brightness = view.contrast = 0.4F;
  }
  return options;
}

train::ContrastiveOptions session_options(const Kind& kind, std::unique_ptr<backend::Backend> (*make)()) {
  train::ContrastiveOptions options;
  options.method = kind.method;
  options.encoder = {.arch = kind.arch, .image_height = kImage, .image_width = kImage, .channels = kind.channels};
  options.device = {.device = kind.device, .precision = train::Precision::f32, .make = make};
  options.batch_size = kBatch;
  options.micro_batch = kind.micro_batch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  options.seed = 5;
  return options;
}

train::FeedOptions feed_options(const ViewLoader& loader) {
  const data::ViewLoaderOptions& options = loader.options();
  return {static_cast<std::int64_t>(loader.shards().size()), static_cast<std::int64_t>(options.image_size),
          static_cast<std::int64_t>(options.channels), options.normalization.mean, options.normalization.std};
}

train::StepHyper hyper_of(std::int64_t step) { return {1e-3F * static_cast<float>(step + 1), 0.9F}; }
// Weights that stay: losses then differ by what views differ, not by what training makes of it.
train::StepHyper still(std::int64_t) { return {0, 0.9F}; }

// A run, one way or the other: losses, hits, and the state at the end.
struct Outcome {
  std::vector<float> numbers;
  std::string state;
  bool operator==(const Outcome&) const = default;
};

class Run {
 public:
  Run(const Kind& kind, std::unique_ptr<backend::Backend> (*make)())
      : kind_(kind),
        loader_(loader_options(folder_, kind)),
        session_(ContrastiveSession::create(session_options(kind, make))),
        feed_(session_->open_feed(feed_options(loader_))),
        parts_(kind.micro_batch > 0 ? kBatch / kind.micro_batch : 1) {}

  bool has_feed() const { return feed_ != nullptr; }
  ContrastiveSession& session() { return *session_; }
  std::string path() const { return folder_.path("state"); }

  // Steps [first, last); the loader is one part ahead, on a thread of its own, as in gyrus pretrain.
  Outcome go(std::int64_t first, std::int64_t last, train::StepHyper (*hyper)(std::int64_t) = hyper_of) {
    Outcome outcome;
    hyper_ = hyper;
    draws_ = (last - first) * draws_of_step();
    first_ = first;
    drawn_ = 0;
    next_ = {};
    draw();
    for (std::int64_t step = first; step < last; ++step) {
      const train::StepResult result = kind_.micro_batch > 0 ? partwise(step) : whole(step);
      outcome.numbers.insert(outcome.numbers.end(), {result.loss, result.hits});
    }
    session_->save_state(path());
    outcome.state = read_bytes(path());
    return outcome;
  }

  // What the loader hands over: on its way to the device, or views.
  void load(std::int64_t step, std::int64_t part) {
    if (feed_) return load_into(*feed_, step, part);
    const auto elements = static_cast<std::size_t>(kBatch / parts_ * kind_.channels * kImage * kImage);
    for (auto& x : views_.at(static_cast<std::size_t>(drawn_ % 2))) x.resize(elements);
    auto& [x1, x2] = views_.at(static_cast<std::size_t>(drawn_ % 2));
    loader_.fill(static_cast<std::uint64_t>(step), share(part), x1, x2, kGoOn);
  }
  void load_into(train::ViewFeed& feed, std::int64_t step, std::int64_t part) {
    const auto number = static_cast<std::uint64_t>(step);
    feed.fill({number, part, parts_}, [&](const train::ViewFeed::Slot& slot) {
      loader_.draw(number, share(part), slot.slices, {slot.plans1, slot.plans2}, kGoOn);
    });
  }

 private:
  ViewLoader::Part share(std::int64_t part) const {
    return {static_cast<std::size_t>(part), static_cast<std::size_t>(parts_)};
  }
  std::int64_t draws_of_step() const { return kind_.micro_batch > 0 ? 2 * parts_ : 1; }
  void draw() {
    if (drawn_ == draws_) return;
    next_ = std::jthread([this, draw = drawn_] { load(first_ + draw / draws_of_step(), draw % parts_); });
  }
  // Hands over the views that were drawn last, and draws the next ones meanwhile.
  template <class Use>
  auto feed(const Use& use) {
    next_.join();
    const auto& [x1, x2] = views_.at(static_cast<std::size_t>(drawn_ % 2));
    ++drawn_;
    draw();
    return use(x1.data(), x2.data());
  }
  train::StepResult whole(std::int64_t step) {
    const auto number = static_cast<std::uint64_t>(step);
    return feed([&](const float* x1, const float* x2) {
      return feed_ ? session_->step_fed(number, hyper_(step), kGoOn) : session_->step(x1, x2, hyper_(step), kGoOn);
    });
  }
  train::StepResult partwise(std::int64_t step) {
    const auto number = static_cast<std::uint64_t>(step);
    const train::StepHyper hyper = hyper_(step);
    for (std::int64_t part = 0; part < parts_; ++part) {
      feed([&](const float* x1, const float* x2) {
        return feed_ ? session_->rehearse_fed(number, part, hyper, kGoOn)
                     : session_->rehearse(part, x1, x2, hyper, kGoOn);
      });
    }
    const train::StepResult result = session_->contrast(hyper, kGoOn);
    for (std::int64_t part = 0; part < parts_; ++part) {
      feed([&](const float* x1, const float* x2) {
        return feed_ ? session_->accumulate_fed(number, part, hyper, kGoOn)
                     : session_->accumulate(part, x1, x2, hyper, kGoOn);
      });
    }
    return result;
  }

  ScratchFolder folder_;
  Kind kind_;
  ViewLoader loader_;
  std::unique_ptr<ContrastiveSession> session_;
  std::shared_ptr<train::ViewFeed> feed_;
  std::int64_t parts_, first_ = 0, drawn_ = 0, draws_ = 0;
  train::StepHyper (*hyper_)(std::int64_t) = nullptr;
  std::array<std::array<std::vector<float>, 2>, 2> views_;
  std::jthread next_;  // last: it ends before what it writes goes
};

const Kind kWhole{"MoCo v3, one channel", "resnet18", "mocov3"};
const Kind kMicro{"SimCLR over micro-batches, odd slices", "resnet18", "simclr", 1, 2, 41};

void equal_the_host(Check& check, const Kind& kind) {
  Run device(kind, make_pretended), host(kind, nullptr);
  if (!check.that(device.has_feed() && !host.has_feed(), "only a device with memory of its own has a feed")) return;
  const Outcome found = device.go(0, kSteps), expected = host.go(0, kSteps);
  check.that(found.numbers == expected.numbers, "losses and hits");
  check.that(found.state == expected.state, "the state after ", kSteps, " steps");
}

// From the state after some steps, with a loader and a session of its own.
void go_on(Check& check, const Kind& kind) {
  Run whole(kind, make_pretended), first(kind, make_pretended), second(kind, make_pretended);
  const Outcome expected = whole.go(0, kSteps);
  first.go(0, 2);
  second.session().load_state(first.path());
  check.that(second.go(2, kSteps).state == expected.state, "the state of a run that was interrupted");
}

// Emulated; of the GPU itself where that is the device under test.
void use_gpu_views(Check& check) {
  for (const Kind& kind : {kWhole, Kind{"", "vit_tiny_patch16_224", "mocov3", 3, 2, 41}}) {
    Kind tested = kind;
    tested.device = test_device();
    const bool is_emulated = tested.device == "cpu";
    Run device(tested, is_emulated ? make_with_gpu_views : nullptr), host(kind, nullptr);
    if (!check.that(device.has_feed(), "a device with memory of its own has a feed")) return;
    const Outcome found = device.go(0, kSteps, still), expected = host.go(0, kSteps, still);
    const float allowed = is_emulated ? 1e-3F : 1e-2F;  // a GPU sums in another order in all layers
    for (std::size_t i = 0; i < found.numbers.size(); i += 2) {
      const float off = std::fabs(found.numbers[i] - expected.numbers[i]);
      check.that(off <= allowed * expected.numbers[i], "the loss of step ", i / 2, " is off by ", off);
    }
  }
}

void refuse(Check& check) {
  Run run(kWhole, make_pretended), micro(kMicro, make_pretended), host(kWhole, nullptr);
  const auto step = [](Run& one, std::uint64_t number) { one.session().step_fed(number, hyper_of(0), kGoOn); };
  check.throws(Code::invalid_argument, "on the CPU there is no feed", [&] { step(host, 0); });
  check.throws(Code::invalid_argument, "nothing was fed", [&] { step(run, 0); });
  run.load(3, 0);
  check.throws(Code::invalid_argument, "another step was fed", [&] { step(run, 4); });
  run.load(0, 0);
  step(run, 0);
  micro.load(0, 0);
  check.throws(Code::invalid_argument, "micro-batches are fed part by part", [&] { step(micro, 0); });
  check.throws(Code::invalid_argument, "not its turn",
               [&] { micro.session().accumulate_fed(0, 0, hyper_of(0), kGoOn); });
  micro.session().rehearse_fed(0, 0, hyper_of(0), kGoOn);
  micro.load(0, 0);
  check.throws(Code::invalid_argument, "another part", [&] { micro.session().rehearse_fed(0, 1, hyper_of(0), kGoOn); });
  check.throws(Code::shape, "a loader of other views", [&] { run.session().open_feed({37, kImage / 2, 1, 0, 1}); });
  check.throws(Code::invalid_argument, "no slices", [&] { run.session().open_feed({0, kImage, 1, 0, 1}); });
  const auto other = run.session().open_feed({36, kImage, 1, 0, 1});
  check.throws(Code::shape, "slices of another size", [&] { run.load_into(*other, 0, 0); });
}

void name_bad_views(Check& check) {
  Run run(kWhole, make_pretended);
  const auto feed = run.session().open_feed({37, kImage, 1, 0, 1e-40F});
  feed->fill({0, 0, 1}, [](const train::ViewFeed::Slot& slot) {
    std::fill(slot.slices.begin(), slot.slices.end(), std::uint16_t{40000});
    math::ViewPlan all;
    all.height = all.width = 37;
    std::fill(slot.plans1.begin(), slot.plans1.end(), all);
    std::fill(slot.plans2.begin(), slot.plans2.end(), all);
  });
  const std::string message =
      check.throws(Code::non_finite, "a deviation of nothing", [&] { run.session().step_fed(0, hyper_of(0), kGoOn); });
  check.that(message.find("the input x1") != std::string::npos, message);
}

}  // namespace

void device_views(Suite& suite) {
  const std::vector<Kind> kinds{kWhole,
                                {"MoCo v3, three channels, odd slices", "vit_tiny_patch16_224", "mocov3", 3, 0, 41},
                                {"MoCo v3 over micro-batches, three channels", "vit_tiny_patch16_224", "mocov3", 3, 2},
                                kMicro};
  for (const Kind& kind : kinds) {
    suite.test(kind.name + ": the losses of views that the CPU made",
               [kind](Check& check) { equal_the_host(check, kind); });
  }
  suite.test("an interrupted run goes on to the same bits, in one piece", [](Check& check) { go_on(check, kWhole); });
  suite.test("an interrupted run goes on to the same bits, over micro-batches",
             [](Check& check) { go_on(check, kMicro); });
  suite.test("views of the GPU's kernels: nearly the losses of the CPU's", use_gpu_views);
  suite.test("steps for which nothing was fed, and feeds that do not fit", refuse);
  suite.test("views that are not finite are named", name_bad_views);
}

}  // namespace gyrus::tests::suites
