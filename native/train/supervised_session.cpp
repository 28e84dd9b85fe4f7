// Supervised training: an encoder and a linear classifier, fine-tuned together or with the encoder frozen (linear
// probe).
#include <array>
#include <chrono>
#include <cmath>

#include "graph/ops.h"
#include "train/optimizer.h"
#include "train/sessions.h"
#include "train/training_core.h"

namespace gyrus::train {
namespace {

std::string head_name(const nn::EncoderOptions& encoder) { return encoder.arch.starts_with("resnet") ? "fc" : "head"; }

nn::LinearHeadOptions head_options(const SupervisedOptions& options) {
  return {nn::feature_dim(options.encoder), options.classes, options.has_head_batch_norm};
}

graph::ParameterSpecs checked_parameters(const SupervisedOptions& options) {
  check_optimizer(options.optimizer);
  GYRUS_CHECK(options.batch_size >= 1, Code::invalid_argument, "batchSize must be at least 1, not ",
              options.batch_size);
  GYRUS_CHECK(options.classes >= 2, Code::invalid_argument, "a classifier needs at least 2 classes, not ",
              options.classes);
  GYRUS_CHECK(options.label_smoothing >= 0 && options.label_smoothing < 1, Code::invalid_argument,
              "labelSmoothing must lie in [0, 1), not be ", options.label_smoothing);
  graph::ParameterSpecs specs = nn::encoder_parameters(options.encoder);
  if (options.is_backbone_frozen) {
    for (graph::ParameterSpec& spec : specs) spec.is_trainable = false;
  }
  const graph::ParameterSpecs head = nn::linear_head_parameters(head_name(options.encoder), head_options(options));
  specs.insert(specs.end(), head.begin(), head.end());
  apply_decay_rule(options.optimizer, specs);
  return specs;
}

graph::Graph supervised_graph(const SupervisedOptions& options) {
  graph::Graph graph;
  const nn::EncoderOptions& encoder = options.encoder;
  const graph::ValueId x = graph.add_source(
      graph::Role::input, "x",
      {Shape{options.batch_size, encoder.channels, encoder.image_height, encoder.image_width}, DType::f32});
  const graph::ValueId labels = graph.add_source(graph::Role::input, "labels", {Shape{options.batch_size}, DType::i32});
  // A frozen backbone keeps its running statistics as well (science.md B11).
  nn::Scope backbone{
      graph, "", "", graph::Role::parameter, "", options.is_backbone_frozen ? nn::Mode::inference : nn::Mode::training};
  nn::Scope head{graph, "", "", graph::Role::parameter, "", nn::Mode::training};
  const graph::ValueId image = graph::to_channels_last(graph, x, DType::f32, "input");
  const graph::ValueId features = nn::encoder_features(backbone, image, encoder);
  const graph::ValueId logits = nn::linear_head(head, features, head_name(encoder), head_options(options));
  graph::CrossEntropyAttrs attrs;
  attrs.label_smoothing = options.label_smoothing;
  const graph::ValueId loss = graph::softmax_cross_entropy(graph, logits, labels, attrs, "loss");
  graph.mark_output(loss, "loss");
  graph.mark_output(graph.output(graph.value(loss).producer, 2), "hits");
  return graph;
}

class CpuSupervisedSession final : public SupervisedSession {
 public:
  explicit CpuSupervisedSession(const SupervisedOptions& options)
      : options_(options), core_(checked_parameters(options), options.optimizer, options.device, options.seed) {
    const std::array<std::string, 1> losses{"loss"};
    core_.set_encoder(options.encoder);
    core_.compile(supervised_graph(options), losses);
  }

  SessionInfo info() const override {
    SessionInfo info = core_.info();
    info.feature_dim = nn::feature_dim(options_.encoder);
    return info;
  }

  StepResult step(const float* x, const std::int32_t* labels, const StepHyper& hyper, const Stop& stop,
                  std::vector<runtime::KernelTime>* times) override {
    const auto start = std::chrono::steady_clock::now();
    check_labels(labels);
    const std::array<const void*, 2> inputs{x, labels};
    core_.run(inputs, hyper, stop, times);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return {*core_.output("loss"), *core_.output("hits"), elapsed.count()};
  }

  LoadReport load(const std::string& path) override { return core_.load(path, tensors_of(core_.store(), "", "")); }
  void save(const std::string& path) override { save_tensors(path, tensors_of(core_.store(), "", "")); }

 private:
  void check_labels(const std::int32_t* labels) const {
    for (std::int64_t i = 0; i < options_.batch_size; ++i) {
      GYRUS_CHECK(labels[i] >= 0 && labels[i] < options_.classes, Code::invalid_argument, "label ", i, " is ",
                  labels[i], ", but there are ", options_.classes, " classes: labels run from 0 to ",
                  options_.classes - 1);
    }
  }

  SupervisedOptions options_;
  TrainingCore core_;
};

}  // namespace

std::unique_ptr<SupervisedSession> SupervisedSession::create(const SupervisedOptions& options) {
  return std::make_unique<CpuSupervisedSession>(options);
}

}  // namespace gyrus::train
