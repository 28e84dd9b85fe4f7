// A MoCo v3 run's state and its one program. The graph is in moco_step.cpp.
#include <array>
#include <chrono>

#include "train/compile.h"
#include "train/moco_step.h"
#include "train/optimizer.h"
#include "train/sessions.h"
#include "train/weights.h"

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
      : options_(options), device_(open_device(options.device)), store_(checked_parameters(options), DType::f32) {
    initialize_store(store_, options.seed);
    store_.allocate_training(slot_count(options.optimizer));
    const std::array<std::string, 2> losses{"loss1", "loss2"};
    program_ = compile_training(moco_graph(options), losses, options.optimizer, device_, store_);
  }

  SessionInfo info() const override {
    SessionInfo info = describe_session(device_, store_);
    info.feature_dim = nn::feature_dim(options_.encoder);
    info.arena_bytes = program_->arena_bytes();
    return info;
  }

  StepResult step(const float* x1, const float* x2, const StepHyper& hyper, const Stop& stop,
                  std::vector<runtime::KernelTime>* times) override {
    const auto start = std::chrono::steady_clock::now();
    if (is_torn_) throw Error(Code::aborted, kTornMessage);
    const std::array<const void*, 2> inputs{x1, x2};
    is_torn_ = !program_->run(inputs, next_hyper(hyper), &stop, times);
    if (is_torn_) throw Error(Code::aborted, kTornMessage);
    steps_done_ += 1;
    store_.bump_version();
    const auto value = [&](const char* name) { return *static_cast<const float*>(program_->output(name)); };
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return {value("loss"), 0.5F * (value("hits1") + value("hits2")), elapsed.count()};
  }

  LoadReport load(const std::string& path) override {
    LoadReport report = load_tensors(path, tensors(), {});
    store_.bump_version();
    is_torn_ = false;
    return report;
  }

  void save(const std::string& path) override { save_tensors(path, tensors()); }

 private:
  backend::Hyper next_hyper(const StepHyper& hyper) const {
    return {hyper.lr, options_.optimizer.weight_decay, hyper.momentum, steps_done_ + 1};
  }

  std::vector<NamedTensor> tensors() {
    std::vector<NamedTensor> all = tensors_of(store_, "", "");
    for (const auto& entry : store_.entries()) {
      if (!entry.spec.has_ema) continue;
      const std::string name = "momentum_encoder." + entry.spec.name.substr(std::string("base_encoder.").size());
      all.push_back(
          {name,
           entry.spec.shape,
           {static_cast<float*>(store_.ema(entry.spec.name)), static_cast<std::size_t>(entry.spec.shape.elements())}});
    }
    return all;
  }

  MocoOptions options_;
  Device device_;
  runtime::ParameterStore store_;
  std::unique_ptr<runtime::Program> program_;
  std::int64_t steps_done_ = 0;
  bool is_torn_ = false;  // a step was aborted half-way: running statistics and momentum copies have moved already
};

}  // namespace

std::unique_ptr<MocoSession> MocoSession::create(const MocoOptions& options) {
  return std::make_unique<CpuMocoSession>(options);
}

}  // namespace gyrus::train
