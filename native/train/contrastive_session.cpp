// The state of a contrastive pretraining, whatever the method, and its programs: one for a step in one piece, three for
// a step over micro-batches.
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "features/embedding_health.h"
#include "train/contrastive_graphs.h"
#include "train/device.h"
#include "train/memory_remedy.h"
#include "train/micro_advice.h"
#include "train/micro_step.h"
#include "train/optimizer.h"
#include "train/sessions.h"
#include "train/training_core.h"

namespace gyrus::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

graph::ParameterSpecs checked_parameters(const ContrastiveOptions& options) {
  check_optimizer(options.optimizer);
  GYRUS_CHECK(options.batch_size >= 2, Code::batch_too_small,
              "the images of a batch are contrasted: batchSize must be ", "at least 2, not ", options.batch_size);
  GYRUS_CHECK(options.temperature > 0, Code::invalid_argument, "the temperature must be positive, not ",
              options.temperature);
  GYRUS_CHECK(options.projector_hidden > 0 && options.projector_out > 0, Code::invalid_argument,
              "the projector's widths must be positive, not ", options.projector_hidden, " and ",
              options.projector_out);
  graph::ParameterSpecs specs = find_method(options.method).parameters(options);
  apply_decay_rule(options.optimizer, specs);
  check_room(specs, options.encoder, 1 + slot_count(options.optimizer) + (options.micro_batch > 0 ? 1 : 0));
  return specs;
}

class EngineContrastiveSession final : public ContrastiveSession {
 public:
  explicit EngineContrastiveSession(const ContrastiveOptions& options)
      : options_(options),
        method_(find_method(options.method)),
        core_(checked_parameters(options), options.optimizer, options.device, options.seed, is_micro(options)) {
    core_.set_encoder(options.encoder);
    try {
      compile();
    } catch (const MemoryShortage& shortage) {
      throw with_remedy(shortage, options, core_.store().bytes());
    }
  }

  SessionInfo info() const override {
    SessionInfo info = core_.info();
    if (micro_) info.arena_bytes = micro_->arena_bytes();
    info.feature_dim = nn::feature_dim(options_.encoder);
    return info;
  }

  StepResult step(const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                  std::vector<runtime::KernelTime>* times, std::uint64_t prefetched) override {
    const auto start = Clock::now();
    StepResult result =
        micro_ ? micro_whole(x1, x2, hyper, stop, times, prefetched) : whole(x1, x2, hyper, stop, times, prefetched);
    result.seconds = seconds_since(start);
    return result;
  }

  void while_waiting(std::function<void()> call) override {
    call_ = std::move(call);
    if (!micro_) core_.program().while_waiting(call_);
  }

  std::uint64_t prefetch(const float* x1, const float* x2) override {
    const std::array<const void*, 2> inputs{x1, x2};
    return micro_ ? micro_->prefetch(x1, x2) : core_.program().prefetch(inputs);
  }

  double rehearse(std::int64_t part, const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                  std::uint64_t prefetched) override {
    const auto start = Clock::now();
    micro().rehearse(part, {x1, x2, prefetched}, hyper, stop, nullptr);
    return seconds_since(start);
  }

  StepResult contrast(const StepHyper& hyper, const Stop& stop) override {
    const auto start = Clock::now();
    StepResult result = micro().contrast(hyper, stop, nullptr);
    result.seconds = seconds_since(start);
    return result;
  }

  double accumulate(std::int64_t part, const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                    std::uint64_t prefetched) override {
    const auto start = Clock::now();
    micro().accumulate(part, {x1, x2, prefetched}, hyper, stop, nullptr);
    return seconds_since(start);
  }

  std::shared_ptr<ViewFeed> open_feed(const FeedOptions& options) override {
    const nn::EncoderOptions& encoder = options_.encoder;
    const std::shared_ptr<backend::DeviceQueue> queue = core_.device().backend->queue();
    if (!queue) return nullptr;
    GYRUS_CHECK(options.size == encoder.image_height && options.size == encoder.image_width &&
                    options.channels == encoder.channels,
                Code::shape, "the loader makes views of ", options.channels, " x ", options.size, " x ", options.size,
                ", the trainer takes ", encoder.channels, " x ", encoder.image_height, " x ", encoder.image_width,
                ": open both with the same imageSize and channels");
    const std::int64_t images = micro_ ? options_.micro_batch : options_.batch_size;
    auto feed = std::make_shared<ViewFeed>(queue, images, options);
    if (micro_) {
      micro_->take_views_from(*feed);
    } else {
      feed->serve(core_.program());
    }
    feed_ = feed;
    return feed;
  }

  StepResult step_fed(std::uint64_t step, const StepHyper& hyper, const Stop& stop) override {
    const auto start = Clock::now();
    GYRUS_CHECK(!micro_, Code::invalid_argument,
                "a step over micro-batches takes what was fed part by part: call rehearse, contrast and accumulate");
    const ViewFeed::Turn turn(feed(), {step, 0, 1});
    StepResult result = whole(nullptr, nullptr, hyper, stop, nullptr, 0);
    result.seconds = seconds_since(start);
    return result;
  }

  double rehearse_fed(std::uint64_t step, std::int64_t part, const StepHyper& hyper, const Stop& stop) override {
    const auto start = Clock::now();
    const ViewFeed::Turn turn(feed(), {step, part, micro().parts()});
    micro().rehearse(part, {}, hyper, stop, nullptr);
    return seconds_since(start);
  }

  double accumulate_fed(std::uint64_t step, std::int64_t part, const StepHyper& hyper, const Stop& stop) override {
    const auto start = Clock::now();
    const ViewFeed::Turn turn(feed(), {step, part, micro().parts()});
    micro().accumulate(part, {}, hyper, stop, nullptr);
    return seconds_since(start);
  }

  features::EmbeddingHealth health() override {
    GYRUS_CHECK(core_.steps_done() > 0, Code::invalid_argument,
                "health() speaks of the last step's embeddings, and no step was done: call step() first");
    const auto dim = static_cast<std::size_t>(options_.projector_out);
    const std::size_t count = static_cast<std::size_t>(options_.batch_size) * dim;
    const float* const first = micro_ ? micro_->first_embedding() : core_.output(first_embedding_.c_str());
    const float* const last = micro_ ? micro_->last_embedding() : core_.output(last_embedding_.c_str());
    return features::embedding_health({first, count}, {last, count}, dim);
  }

  LoadReport load(const std::string& path) override {
    LoadReport report = core_.load(path, tensors());
    if (micro_) micro_->reset();
    return report;
  }
  void save(const std::string& path) override {
    check_between_steps();
    save_tensors(path, tensors(), network_facts(options_.encoder));
  }
  void load_state(const std::string& path) override {
    core_.load_state(path, tensors(), facts());
    if (micro_) micro_->reset();
  }
  void save_state(const std::string& path) override {
    check_between_steps();
    core_.save_state(path, tensors(), facts());
  }

  void save_backbone(const std::string& path, std::int64_t channels, const Metadata& more) override {
    constexpr std::string_view kBase = "base_encoder.";
    const std::string projector = std::string(kBase) + projector_name(options_.encoder) + ".";
    std::vector<NamedTensor> backbone;
    for (NamedTensor& tensor : tensors()) {
      if (!tensor.name.starts_with(kBase) || tensor.name.starts_with(projector)) continue;
      tensor.name.erase(0, kBase.size());
      backbone.push_back(std::move(tensor));
    }
    // Each part of a step sends two views through the base encoder.
    const std::int64_t parts = micro_ ? micro_->parts() : 1;
    Metadata metadata = network_facts(options_.encoder);
    metadata.insert(more.begin(), more.end());
    train::save_backbone(path, backbone,
                         {.channels = channels,
                          .batches_tracked = 2 * parts * core_.steps_done(),
                          .rename = nullptr,
                          .metadata = std::move(metadata)});
  }

 private:
  static bool is_micro(const ContrastiveOptions& options) { return options.micro_batch > 0; }

  void compile() {
    if (is_micro(options_)) {
      micro_ = std::make_unique<MicroStep>(core_, method_, options_);
      micro_->while_waiting([this] { on_wait(); });
      return;
    }
    const StepGraph step = step_graph(method_, options_);
    names_ = step.names;
    first_embedding_ = step.graph.outputs()[0].name;
    last_embedding_ = step.graph.outputs()[1].name;
    core_.compile(step.graph, names_.losses);
  }

  MicroStep& micro() {
    GYRUS_CHECK(micro_ != nullptr, Code::invalid_argument,
                "this trainer computes its steps in one piece: create it with microBatch, or call step()");
    return *micro_;
  }

  ViewFeed& feed() {
    GYRUS_CHECK(feed_ != nullptr, Code::invalid_argument,
                "nothing feeds this trainer: open a feed on its device, or bring views");
    return *feed_;
  }

  void check_between_steps() const {
    GYRUS_CHECK(!micro_ || micro_->is_between_steps(), Code::invalid_argument,
                "a step over micro-batches is half done, and so are the running statistics: finish it before saving");
  }

  StepResult whole(const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                   std::vector<runtime::KernelTime>* times, std::uint64_t prefetched) {
    const std::array<const void*, 2> inputs{x1, x2};
    core_.run(inputs, hyper, stop, times, prefetched);
    StepResult result;
    for (const std::string& name : names_.losses) result.loss += *core_.output(name.c_str());
    for (const std::string& name : names_.hits) result.hits += *core_.output(name.c_str());
    result.hits /= static_cast<float>(names_.hits.size());
    return result;
  }

  // Each part's views travel while the part before computes; during the last, what the next call wants may.
  StepResult micro_whole(const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                         std::vector<runtime::KernelTime>* times, std::uint64_t prefetched) {
    const nn::EncoderOptions& encoder = options_.encoder;
    const std::int64_t stride = options_.micro_batch * encoder.channels * encoder.image_height * encoder.image_width;
    const std::int64_t parts = micro_->parts();
    const PartByPart guard(parts_of_step_);
    MicroStep::PartViews views{x1, x2, prefetched};
    const auto compute = [&](std::int64_t next, const auto& part) {
      auto& ahead = parts_of_step_.next;
      ahead.reset();
      if (next < parts) ahead = {x1 + next * stride, x2 + next * stride};
      part(views);
      if (ahead) views = *ahead;
    };
    for (std::int64_t part = 0; part < parts; ++part) {
      compute((part + 1) % parts, [&](const auto& own) { micro_->rehearse(part, own, hyper, stop, times); });
    }
    parts_of_step_.next.reset();
    const StepResult result = micro_->contrast(hyper, stop, times);
    for (std::int64_t part = 0; part < parts; ++part) {
      parts_of_step_.is_under_way = part + 1 < parts;
      compute(part + 1, [&](const auto& own) { micro_->accumulate(part, own, hyper, stop, times); });
    }
    return result;
  }

  // While a device computes a part.
  void on_wait() {
    if (!parts_of_step_.is_under_way) {
      if (call_) call_();
      return;
    }
    auto& next = parts_of_step_.next;
    if (!next) return;
    try {
      next->prefetched = micro_->prefetch(next->x1, next->x2);
    } catch (const Error&) {
      return;  // it saves time and is nothing else
    }
  }

  TrainingCore::Facts facts() const { return {{"method", options_.method}, {"arch", options_.encoder.arch}}; }

  // Under PyTorch's names. What is frozen is the same in both encoders and stored once: the momentum encoder's name
  // comes first, so that of a file in which they differ the base encoder's counts.
  std::vector<NamedTensor> tensors() {
    constexpr std::string_view kBase = "base_encoder.";
    runtime::ParameterStore& store = core_.store();
    std::vector<NamedTensor> all;
    for (const auto& entry : store.entries()) {
      const graph::ParameterSpec& spec = entry.spec;
      if (!method_.has_momentum_encoder() || spec.is_buffer || !spec.name.starts_with(kBase)) continue;
      void* const data = spec.has_ema ? store.ema(spec.name) : store.parameter(spec.name);
      all.push_back({"momentum_encoder." + spec.name.substr(kBase.size()),
                     spec.shape,
                     {static_cast<float*>(data), static_cast<std::size_t>(spec.shape.elements())}});
    }
    const std::vector<NamedTensor> own = tensors_of(store, "", "");
    all.insert(all.end(), own.begin(), own.end());
    return all;
  }

  // Of step() over micro-batches: the views that the next part wants.
  struct PartsOfStep {
    bool is_under_way = false;
    std::optional<MicroStep::PartViews> next;
  };
  class PartByPart {
   public:
    explicit PartByPart(PartsOfStep& parts) : parts_(parts) { parts_.is_under_way = true; }
    ~PartByPart() { parts_ = {}; }
    PartByPart(const PartByPart&) = delete;
    PartByPart& operator=(const PartByPart&) = delete;

   private:
    PartsOfStep& parts_;
  };

  ContrastiveOptions options_;
  const Method& method_;
  TrainingCore core_;
  std::function<void()> call_;
  PartsOfStep parts_of_step_;
  LossNames names_;
  std::string first_embedding_, last_embedding_;
  std::unique_ptr<MicroStep> micro_;  // after core_, whose programs it holds
  std::shared_ptr<ViewFeed> feed_;    // null unless open_feed() was called, on a device with memory of its own
};

}  // namespace

std::unique_ptr<ContrastiveSession> ContrastiveSession::create(const ContrastiveOptions& options) {
  try {
    return std::make_unique<EngineContrastiveSession>(options);
  } catch (const Error& error) {
    // On the host with_remedy() has estimated what fits: to try it there could cost the process its life.
    if (error.code() != Code::out_of_memory || !open_device(options.device).backend->queue()) throw;
    const auto make = [](const ContrastiveOptions& smaller) { const EngineContrastiveSession session(smaller); };
    throw Error(error.code(), error.message() + advise_micro_batch(options, make));
  }
}

}  // namespace gyrus::train
