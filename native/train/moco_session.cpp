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
    train::save_backbone(path, backbone, {channels, 2 * core_.steps_done()});
  }

 private:
  TrainingCore::Facts facts() const { return {{"method", "mocov3"}, {"arch", options_.encoder.arch}}; }

  std::vector<NamedTensor> tensors() {
    runtime::ParameterStore& store = core_.store();
    std::vector<NamedTensor> all = tensors_of(store, "", "");
    for (const auto& entry : store.entries()) {
      if (!entry.spec.has_ema) continue;
      const std::string name = "momentum_encoder." + entry.spec.name.substr(std::string("base_encoder.").size());
      all.push_back(
          {name,
           entry.spec.shape,
           {static_cast<float*>(store.ema(entry.spec.name)), static_cast<std::size_t>(entry.spec.shape.elements())}});
    }
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
