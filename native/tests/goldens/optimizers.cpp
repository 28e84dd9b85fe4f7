// The optimizers and the momentum encoder's average against PyTorch: ten steps, each compared, on the reference backend
// and on the CPU. The cases stand in test/goldens/optimizers.py.
#include <algorithm>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "graph/ops.h"
#include "passes/passes.h"
#include "runtime/program.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/harness/compare.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

using graph::Role;
using graph::ValueId;

constexpr int kSteps = 10, kStepWithZeros = 6;  // then the last layer's gradient is zero, which LARS treats apart

struct Layer {
  const char* name;
  std::int64_t out, in;
};
constexpr std::array kLayers{Layer{"first", 5, 7}, Layer{"zero", 3, 6}, Layer{"last", 9, 4}};

void add_update(graph::Graph& graph, std::vector<ValueId> gradients, const GoldenOptions& o) {
  const std::string& kind = o.text_of("optimizer");
  if (kind == "sgd") {
    graph::sgd_update(graph, std::move(gradients),
                      {o.number("momentum"), o.number("dampening"), o.integer("nesterov") != 0});
  } else if (kind == "adamw") {
    graph::adamw_update(graph, std::move(gradients), {o.number("beta1"), o.number("beta2"), o.number("eps")});
  } else {
    const bool is_solo = kind == "lars_solo";
    graph::lars_update(graph, std::move(gradients),
                       {.variant = is_solo ? graph::LarsVariant::solo_learn : graph::LarsVariant::moco_v3,
                        .momentum = o.number("momentum"),
                        .trust = o.number("trust"),
                        .eps = o.number("eps"),
                        .clip = o.integer("clip") != 0});
  }
}

graph::ParameterSpecs make_specs(bool has_decay_on_vectors) {
  graph::ParameterSpecs specs;
  for (const Layer& layer : kLayers) {
    specs.push_back({.name = text(layer.name, ".weight"), .shape = {layer.out, layer.in}, .has_ema = true});
    specs.push_back({.name = text(layer.name, ".bias"),
                     .shape = {layer.out},
                     .has_ema = true,
                     .has_weight_decay = has_decay_on_vectors});
  }
  return specs;
}

// For each layer y = I W^T + b with the gradient of y as an input: W's gradient is the transposed seed, b's its row
// sum.
graph::Graph training_graph(const GoldenOptions& options) {
  graph::Graph graph;
  std::vector<passes::Target> targets;
  std::vector<std::string> parameters;
  for (const Layer& layer : kLayers) {
    const std::string name = layer.name;
    const ValueId identity = graph.add_source(Role::input, name + "/identity", {Shape{layer.in, layer.in}, DType::f32});
    const ValueId seed = graph.add_source(Role::input, name + "/seed", {Shape{layer.in, layer.out}, DType::f32});
    parameters.insert(parameters.end(), {name + ".weight", name + ".bias"});
    const ValueId w = graph.add_source(Role::parameter, name + ".weight", {Shape{layer.out, layer.in}, DType::f32});
    const ValueId b = graph.add_source(Role::parameter, name + ".bias", {Shape{layer.out}, DType::f32});
    targets.push_back({graph::linear(graph, identity, w, b, name), seed});
  }
  graph::Graph step = passes::autodiff(graph, targets, parameters);
  std::vector<ValueId> gradients;
  for (std::size_t v = 0; v < step.values().size(); ++v) {
    if (step.values()[v].role == Role::gradient) gradients.push_back({static_cast<std::int32_t>(v)});
  }
  add_update(step, std::move(gradients), options);
  return passes::schedule(passes::simplify(step));
}

graph::Graph averaging_graph(const graph::ParameterSpecs& specs) {
  graph::Graph graph;
  std::vector<ValueId> averages;
  for (const auto& spec : specs) averages.push_back(graph.add_source(Role::ema, spec.name, {spec.shape, DType::f32}));
  graph::ema_update(graph, averages);
  return graph;
}

// As learning_rate() and ema_momentum() in optimizers.py.
backend::Hyper hyper_at(int step, const GoldenOptions& options) {
  const auto s = static_cast<float>(step);
  return {.lr = options.number("lr") * ((step < 4 ? 1 + s : 8 - s / 2) / 4),
          .weight_decay = options.number("weight_decay"),
          .ema_momentum = static_cast<float>(0.9 + 0.01 * step),
          .step = step + 1};
}

// One backend's training of a case, in that backend's storage type.
template <class T>
class Training {
 public:
  Training(const backend::Backend& backend, const GoldenOptions& options)
      : options_(options),
        specs_(make_specs(options.text_of("optimizer") == "sgd" || options.text_of("optimizer") == "adamw")),
        store_(specs_, backend.describe().storage) {
    for (const auto& spec : specs_) {
      const std::vector<float> values = golden_uniform(spec.name, spec.shape.elements());
      if (spec.name != "zero.weight") std::ranges::copy(values, static_cast<T*>(store_.parameter(spec.name)));
    }
    store_.allocate_training(2);
    step_ = runtime::Program::compile(training_graph(options), backend, store_, {.is_poisoned = true});
    average_ = runtime::Program::compile(averaging_graph(specs_), backend, store_, {});
  }

  void run(int step) {
    std::vector<std::vector<T>> inputs;
    for (const Layer& layer : kLayers) {
      const auto in = static_cast<std::size_t>(layer.in);
      inputs.emplace_back(in * in, T{0});
      for (std::size_t i = 0; i < in; ++i) inputs.back()[i * in + i] = 1;
      auto seed = golden_uniform(text(layer.name, "/seed/", step), layer.in * layer.out);
      if (&layer == &kLayers.back() && step == kStepWithZeros) std::ranges::fill(seed, 0.0F);
      inputs.emplace_back(seed.begin(), seed.end());
    }
    std::vector<const void*> pointers;
    pointers.reserve(inputs.size());
    for (const auto& input : inputs) pointers.push_back(input.data());
    const backend::Hyper hyper = hyper_at(step, options_);
    step_->run(pointers, hyper);
    average_->run({}, hyper);
  }

  std::vector<double> parameters() const {
    return collect([this](const std::string& name) { return store_.parameter(name); });
  }
  std::vector<double> averages() const {
    return collect([this](const std::string& name) { return store_.ema(name); });
  }

 private:
  template <class Find>
  std::vector<double> collect(const Find& find) const {
    std::vector<double> all;
    for (const auto& spec : specs_) {
      const auto* const values = static_cast<const T*>(find(spec.name));
      all.insert(all.end(), values, values + spec.shape.elements());
    }
    return all;
  }

  GoldenOptions options_;
  graph::ParameterSpecs specs_;
  runtime::ParameterStore store_;
  std::unique_ptr<runtime::Program> step_, average_;
};

template <class T>
void check_case(Check& check, const GoldenFile& file, const std::string& name, const backend::Backend& backend,
                double tolerance) {
  Training<T> training(backend, GoldenOptions(file.metadata(name)));
  const std::vector<double> parameters = file.values(name + "/parameters"), averages = file.values(name + "/averages");
  const std::size_t count = parameters.size() / kSteps;
  for (int step = 0; step < kSteps; ++step) {
    training.run(step);
    const auto of_step = [&](const std::vector<double>& all) {
      return std::span(all).subspan(static_cast<std::size_t>(step) * count, count);
    };
    check_close(check, text("parameters after step ", step + 1), training.parameters(), of_step(parameters), tolerance);
    check_close(check, text("averages after step ", step + 1), training.averages(), of_step(averages), tolerance);
  }
}

}  // namespace

void golden_optimizers(Suite& suite) {
  const GoldenFile file("optimizers");
  const auto reference = backend::make_reference_backend();
  const auto cpu = make_test_backend();
  for (const std::string& name : file.cases()) {
    suite.test(name + ": reference", [&](Check& check) { check_case<double>(check, file, name, *reference, 2e-7); });
    suite.test(name + ": f32", [&](Check& check) { check_case<float>(check, file, name, *cpu, 2e-6); });
  }
}

}  // namespace gyrus::tests::suites
