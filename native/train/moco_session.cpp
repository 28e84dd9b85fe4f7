// A MoCo v3 run's state and its one program. The graph is in moco_step.cpp.
#include <array>
#include <chrono>

#include "features/embedding_health.h"
#include "train/moco_step.h"
#include "train/optimizer.h"
#include "train/sessions.h"
#include "train/training_core.h"

namespace gyrus::train {
namespace {

graph::ParameterSpecs checked_parameters(const MocoOptions& options) {
  check_optimizer(options.optimizer);
  GYRUS_CHECK(options.batch_size >= 2, Code::batch_too_small,
              "MoCo v3 contrasts the images of a batch: batchSize must be ", "at least 2, not ", options.batch_size);
  GYRUS_CHECK(options.temperature > 0, Code::invalid_argument, "the temperature must be positive, not ",
              options.temperature);
  GYRUS_CHECK(options.projector_hidden > 0 && options.projector_out > 0, Code::invalid_argument,
              "the projector's widths must be positive, not ", options.projector_hidden, " and ",
              options.projector_out);
  graph::ParameterSpecs specs = moco_parameters(options);
  apply_decay_rule(options.optimizer, specs);
  return specs;
}

class CpuMocoSession final : public MocoSession {
 public:
  explicit CpuMocoSession(const MocoOptions& options)
      : options_(options), core_(checked_parameters(options), options.optimizer, options.device, options.seed) {
    const std::array<std::string, 2> losses{"loss1", "loss2"};
    core_.set_encoder(options.encoder);
    core_.compile(moco_graph(options), losses);
  }

  SessionInfo info() const override {
    SessionInfo info = core_.info();
    info.feature_dim = nn::feature_dim(options_.encoder);
    return info;
  }

  StepResult step(const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                  std::vector<runtime::KernelTime>* times) override {
    const auto start = std::chrono::steady_clock::now();
    const std::array<const void*, 2> inputs{x1, x2};
    core_.run(inputs, hyper, stop, times);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return {*core_.output("loss"), 0.5F * (*core_.output("hits1") + *core_.output("hits2")), elapsed.count()};
  }

  features::EmbeddingHealth health() override {
    GYRUS_CHECK(core_.steps_done() > 0, Code::invalid_argument,
                "health() speaks of the last step's embeddings, and no step was done: call step() first");
    const auto dim = static_cast<std::size_t>(options_.projector_out);
    const std::size_t count = static_cast<std::size_t>(options_.batch_size) * dim;
    return features::embedding_health({core_.output("query1"), count}, {core_.output("key2"), count}, dim);
  }

  LoadReport load(const std::string& path) override { return core_.load(path, tensors()); }
  void save(const std::string& path) override { save_tensors(path, tensors()); }
  void load_state(const std::string& path) override { core_.load_state(path, tensors(), facts()); }
  void save_state(const std::string& path) override { core_.save_state(path, tensors(), facts()); }

  void save_backbone(const std::string& path, std::int64_t channels) override {
    constexpr std::string_view kBase = "base_encoder.";
    const std::string projector = std::string(kBase) + projector_name(options_.encoder) + ".";
    std::vector<NamedTensor> backbone;
    for (NamedTensor& tensor : tensors()) {
      if (!tensor.name.starts_with(kBase) || tensor.name.starts_with(projector)) continue;
      tensor.name.erase(0, kBase.size());
      backbone.push_back(std::move(tensor));
    }
    // Each step sends two views through the base encoder.
    train::save_backbone(path, backbone, {.channels = channels, .batches_tracked = 2 * core_.steps_done()});
  }

 private:
  TrainingCore::Facts facts() const { return {{"method", "mocov3"}, {"arch", options_.encoder.arch}}; }

  // Under PyTorch's names. What is frozen is the same in both encoders and stored once: the momentum encoder's name
  // comes first, so that of a file in which they differ the base encoder's counts.
  std::vector<NamedTensor> tensors() {
    constexpr std::string_view kBase = "base_encoder.";
    runtime::ParameterStore& store = core_.store();
    std::vector<NamedTensor> all;
    for (const auto& entry : store.entries()) {
      const graph::ParameterSpec& spec = entry.spec;
      if (spec.is_buffer || !spec.name.starts_with(kBase)) continue;
      void* const data = spec.has_ema ? store.ema(spec.name) : store.parameter(spec.name);
      all.push_back({"momentum_encoder." + spec.name.substr(kBase.size()),
                     spec.shape,
                     {static_cast<float*>(data), static_cast<std::size_t>(spec.shape.elements())}});
    }
    const std::vector<NamedTensor> own = tensors_of(store, "", "");
    all.insert(all.end(), own.begin(), own.end());
    return all;
  }

  MocoOptions options_;
  TrainingCore core_;
};

}  // namespace

std::unique_ptr<MocoSession> MocoSession::create(const MocoOptions& options) {
  return std::make_unique<CpuMocoSession>(options);
}

}  // namespace gyrus::train
