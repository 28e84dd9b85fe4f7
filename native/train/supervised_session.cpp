// Supervised training: an encoder and a linear classifier, fine-tuned together or with the encoder frozen (linear
// probe).
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "graph/ops.h"
#include "train/chunked_inference.h"
#include "train/encoder_export.h"
#include "train/memory_remedy.h"
#include "train/optimizer.h"
#include "train/sessions.h"
#include "train/soft_targets.h"
#include "train/stochastic_depth.h"
#include "train/training_core.h"

namespace gyrus::train {
namespace {

using nn::head_name;

nn::LinearHeadOptions head_options(const SupervisedOptions& options) {
  return {nn::feature_dim(options.encoder), options.classes, options.has_head_batch_norm};
}

// Targets of their own for every row, rather than labels: see soft_targets.h.
bool has_soft_targets(const SupervisedOptions& options) { return options.has_mixup || !options.class_weights.empty(); }

void check_classes(const SupervisedOptions& options) {
  GYRUS_CHECK(options.classes >= 2, Code::invalid_argument, "a classifier needs at least 2 classes, not ",
              options.classes);
  const std::vector<float>& weights = options.class_weights;
  GYRUS_CHECK(weights.empty() || static_cast<std::int64_t>(weights.size()) == options.classes, Code::invalid_argument,
              "classWeights has ", weights.size(), " numbers for ", options.classes, " classes; give one a class");
  for (const float weight : weights) {
    GYRUS_CHECK(std::isfinite(weight) && weight > 0, Code::invalid_argument,
                "every class weight must be above 0 and finite, not ", weight);
  }
}

void check_options(const SupervisedOptions& options) {
  check_optimizer(options.optimizer);
  check_classes(options);
  GYRUS_CHECK(options.batch_size >= 1, Code::invalid_argument, "batchSize must be at least 1, not ",
              options.batch_size);
  GYRUS_CHECK(options.label_smoothing >= 0 && options.label_smoothing < 1, Code::invalid_argument,
              "labelSmoothing must lie in [0, 1), not be ", options.label_smoothing);
  GYRUS_CHECK(options.drop_path >= 0 && options.drop_path < 1, Code::invalid_argument,
              "dropPath must lie in [0, 1), not be ", options.drop_path);
  GYRUS_CHECK(options.drop_path == 0 || nn::residual_branches(options.encoder) > 0, Code::invalid_argument,
              options.encoder.arch, " has no branches to leave out: dropPath is a vision transformer's");
  GYRUS_CHECK(options.layer_decay > 0 && options.layer_decay <= 1, Code::invalid_argument,
              "layerDecay must lie in (0, 1], not be ", options.layer_decay);
}

void apply_layer_decay(const SupervisedOptions& options, graph::ParameterSpecs& specs) {
  const std::int64_t last = nn::layer_count(options.encoder) - 1;
  for (graph::ParameterSpec& spec : specs) {
    const auto steps = static_cast<double>(last - nn::layer_of(options.encoder, spec.name));
    spec.lr_scale = static_cast<float>(std::pow(static_cast<double>(options.layer_decay), steps));
  }
}

graph::ParameterSpecs checked_parameters(const SupervisedOptions& options) {
  check_options(options);
  graph::ParameterSpecs specs = nn::encoder_parameters(options.encoder);
  if (options.is_backbone_frozen) {
    for (graph::ParameterSpec& spec : specs) spec.is_trainable = false;
  }
  const graph::ParameterSpecs head = nn::linear_head_parameters(head_name(options.encoder), head_options(options));
  specs.insert(specs.end(), head.begin(), head.end());
  apply_decay_rule(options.optimizer, specs);
  apply_layer_decay(options, specs);
  check_room(specs, options.encoder, 1 + slot_count(options.optimizer));
  return specs;
}

// Images to logits. A frozen backbone keeps its running statistics as well (science.md B11).
graph::ValueId classify(nn::Scope scope, graph::ValueId image, const SupervisedOptions& options) {
  nn::Scope backbone = scope;
  if (options.is_backbone_frozen) backbone.mode = nn::Mode::inference;
  const graph::ValueId features = nn::encoder_features(backbone, image, options.encoder);
  return nn::linear_head(scope, features, head_name(options.encoder), head_options(options));
}

nn::Scope scope_of(graph::Graph& graph, nn::Mode mode) { return {graph, "", "", graph::Role::parameter, "", mode}; }

// Inputs: x; labels [N] or targets [N, K]; with stochastic depth its factors.
graph::Graph supervised_graph(const SupervisedOptions& options) {
  graph::Graph graph;
  const std::int64_t batch = options.batch_size;
  const graph::ValueId image = add_images(graph, options.encoder, batch);
  const bool is_soft = has_soft_targets(options);
  const graph::ValueId wanted =
      is_soft ? graph.add_source(graph::Role::input, "targets", {Shape{batch, options.classes}, DType::f32})
              : graph.add_source(graph::Role::input, "labels", {Shape{batch}, DType::i32});
  nn::Scope scope = scope_of(graph, nn::Mode::training);
  if (options.drop_path > 0) {
    const Shape shape{nn::residual_branches(options.encoder), batch};
    scope.branch_factors = graph.add_source(graph::Role::input, "branch_factors", {shape, DType::f32});
  }
  const graph::ValueId logits = classify(scope, image, options);
  if (is_soft) {
    const graph::ValueId loss = graph::soft_cross_entropy(graph, logits, wanted, "loss");
    graph.mark_output(loss, "loss");
    graph.mark_output(graph.output(graph.value(loss).producer, 1), "probabilities");
    return graph;
  }
  graph::CrossEntropyAttrs attrs;
  attrs.label_smoothing = options.label_smoothing;
  const graph::ValueId loss = graph::softmax_cross_entropy(graph, logits, wanted, attrs, "loss");
  graph.mark_output(loss, "loss");
  graph.mark_output(graph.output(graph.value(loss).producer, 2), "hits");
  return graph;
}

graph::Graph prediction_graph(const SupervisedOptions& options, std::int64_t chunk) {
  graph::Graph graph;
  const graph::ValueId image = add_images(graph, options.encoder, chunk);
  graph.mark_output(classify(scope_of(graph, nn::Mode::inference), image, options), "logits");
  return graph;
}

std::int64_t image_elements(const SupervisedOptions& options) {
  return options.encoder.channels * options.encoder.image_height * options.encoder.image_width;
}

class EngineSupervisedSession final : public SupervisedSession {
 public:
  explicit EngineSupervisedSession(const SupervisedOptions& options)
      : options_(options),
        core_(checked_parameters(options), options.optimizer, options.device, options.seed),
        depth_(nn::residual_branches(options.encoder), options.batch_size, options.drop_path, options.seed),
        inference_({[options](std::int64_t chunk) { return prediction_graph(options, chunk); }, "logits",
                    image_elements(options), options.classes},
                   core_.device(), core_.store()) {
    const std::array<std::string, 1> losses{"loss"};
    core_.set_encoder(options.encoder);
    try {
      core_.compile(supervised_graph(options), losses);
    } catch (const MemoryShortage& shortage) {
      throw with_remedy(shortage, options);
    }
    if (has_soft_targets(options)) targets_.resize(static_cast<std::size_t>(options.batch_size * options.classes));
    if (options.has_mixup) mixed_[0] = AlignedBuffer(mixed_bytes());
  }

  SessionInfo info() const override {
    SessionInfo info = core_.info();
    info.feature_dim = nn::feature_dim(options_.encoder);
    return info;
  }

  void while_waiting(std::function<void()> call) override { core_.program().while_waiting(std::move(call)); }

  // The step under way has read its own mixed images already, but is to name them where they are not finite.
  std::uint64_t prefetch(const float* x, const StepHyper& hyper) override {
    if (!core_.device().backend->queue()) return 0;
    ahead_ = {};
    turn_ = 1 - turn_;
    const float* const images = mixed(x, hyper.mix);
    const std::array<const void*, 1> inputs{images};
    ahead_ = {core_.program().prefetch(inputs), images};
    return ahead_.number;
  }

  StepResult step(const float* x, const std::int32_t* labels, const StepHyper& hyper, const Stop& stop,
                  std::vector<runtime::KernelTime>* times, std::uint64_t prefetched) override {
    const auto start = std::chrono::steady_clock::now();
    const std::span<const std::int32_t> given(labels, static_cast<std::size_t>(options_.batch_size));
    check_labels(given);
    const bool is_ahead = prefetched != 0 && prefetched == ahead_.number;
    std::vector<const void*> inputs{is_ahead ? ahead_.images : mixed(x, hyper.mix), labels};
    if (!targets_.empty()) {
      make_targets({options_.classes, static_cast<double>(options_.label_smoothing), options_.class_weights}, given,
                   static_cast<double>(hyper.mix), targets_);
      inputs[1] = targets_.data();
    }
    if (depth_.is_on()) inputs.push_back(depth_.draw(core_.steps_done()));
    core_.run(inputs, hyper, stop, times, prefetched);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return {*core_.output("loss"), targets_.empty() ? *core_.output("hits") : hits_of(given), elapsed.count()};
  }

  void predict(const float* x, std::int64_t count, float* logits, const Stop& stop) override {
    inference_.run(x, count, logits, stop);
  }

  LoadReport load(const std::string& path) override { return core_.load(path, tensors()); }
  LoadReport load_backbone(const std::string& path) override {
    std::vector<NamedTensor> backbone = tensors();
    const std::string head = head_name(options_.encoder) + ".";
    std::erase_if(backbone, [&](const NamedTensor& tensor) { return tensor.name.starts_with(head); });
    const std::array<std::string, 2> heads{"fc.", "head."};
    return core_.load(path, backbone, heads);
  }
  void set_classifier(std::span<const float> weights, std::span<const float> bias) override {
    GYRUS_CHECK(!options_.has_head_batch_norm, Code::invalid_argument,
                "a batch norm stands before this session's classifier: create it with hasHeadBatchNorm false");
    const std::string name = head_name(options_.encoder);
    std::array<std::pair<std::span<const float>, NamedTensor>, 2> parts;
    for (NamedTensor& tensor : tensors()) {
      if (tensor.name == name + ".weight") parts[0] = {weights, tensor};
      if (tensor.name == name + ".bias") parts[1] = {bias, tensor};
    }
    for (const auto& [given, own] : parts) {
      GYRUS_CHECK(given.size() == own.data.size(), Code::shape, own.name, " has ", own.data.size(), " numbers, not ",
                  given.size());
      GYRUS_CHECK(std::all_of(given.begin(), given.end(), [](float x) { return std::isfinite(x); }), Code::non_finite,
                  own.name, " would hold NaN or infinity");
    }
    for (const auto& [given, own] : parts) std::copy(given.begin(), given.end(), own.data.begin());
    core_.store().bump_version();
  }
  void save(const std::string& path) override { save_tensors(path, tensors(), network_facts(options_.encoder)); }
  void export_as(const std::string& path, ExportForm form, std::int64_t channels) override {
    GYRUS_CHECK(!options_.has_head_batch_norm, Code::invalid_argument,
                "a batch norm stands before this session's classifier, which no other library expects there");
    export_network(core_.store(), options_.encoder, path, {form, channels, options_.classes}, {});
  }
  void load_state(const std::string& path) override { core_.load_state(path, tensors(), facts()); }
  void save_state(const std::string& path) override { core_.save_state(path, tensors(), facts()); }

 private:
  std::vector<NamedTensor> tensors() { return tensors_of(core_.store(), "", ""); }
  TrainingCore::Facts facts() const { return {{"method", "supervised"}, {"arch", options_.encoder.arch}}; }

  void check_labels(std::span<const std::int32_t> labels) const {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      GYRUS_CHECK(labels[i] >= 0 && labels[i] < options_.classes, Code::invalid_argument, "label ", i, " is ",
                  labels[i], ", but there are ", options_.classes, " classes: labels run from 0 to ",
                  options_.classes - 1);
    }
  }

  // The images that the step sees.
  const float* mixed(const float* x, float own) {
    GYRUS_CHECK(own >= 0 && own <= 1, Code::invalid_argument, "mix must lie in [0, 1], not be ", own);
    if (own == 1) return x;
    GYRUS_CHECK(options_.has_mixup, Code::invalid_argument, "mix is ", own,
                ", but the session was made without mixup; ask for it when it is made");
    const auto count = static_cast<std::size_t>(options_.batch_size * image_elements(options_));
    AlignedBuffer& to = mixed_.at(turn_);
    if (to.bytes() == 0) to = AlignedBuffer(mixed_bytes());
    mix_images({x, count}, options_.batch_size, own, {to.as<float>(), count});
    return to.as<float>();
  }

  std::int64_t mixed_bytes() const { return options_.batch_size * image_elements(options_) * size_of(DType::f32); }

  // The share of rows whose largest probability is that of their own label.
  float hits_of(std::span<const std::int32_t> labels) const {
    const float* row = core_.output("probabilities");
    std::int64_t hits = 0;
    for (const std::int32_t label : labels) {
      if (row[label] >= *std::max_element(row, row + options_.classes)) ++hits;
      row += options_.classes;
    }
    return static_cast<float>(static_cast<double>(hits) / static_cast<double>(labels.size()));
  }

  SupervisedOptions options_;
  TrainingCore core_;
  StochasticDepth depth_;
  ChunkedInference inference_;
  std::vector<float> targets_;  // [batch, classes]; empty: labels are enough
  // [batch, C, H, W], with mixup: of the step and, where that was prefetched, of the next one.
  std::array<AlignedBuffer, 2> mixed_;
  std::size_t turn_ = 0;
  struct Ahead {
    std::uint64_t number = 0;
    const float* images = nullptr;
  };
  Ahead ahead_;
};

}  // namespace

std::unique_ptr<SupervisedSession> SupervisedSession::create(const SupervisedOptions& options) {
  return std::make_unique<EngineSupervisedSession>(options);
}

}  // namespace gyrus::train
