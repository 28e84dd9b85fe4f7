// Whole encoders against torchvision and timm: features, loss, every gradient and every running statistic of one
// forward and backward pass, and the features in inference mode. The cases stand in test/goldens/models.py.
#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"
#include "graph/ops.h"
#include "nn/encoder.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/goldens/golden_model.h"
#include "tests/harness/compare.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

using graph::Role;
using graph::ValueId;

struct Tolerances {
  double features = 0, gradients = 0, buffers = 0;
};
constexpr Tolerances kReference{.features = 1e-6, .gradients = 1e-6, .buffers = 1e-6};
constexpr Tolerances kF32{.features = 1e-5, .gradients = 1e-3, .buffers = 1e-5};

// In bf16 errors are measured against those that PyTorch's autocast makes with the same numbers.
constexpr double kBf16Features = 3e-2, kAtMostTimesTorch = 1.35;

class Case {
 public:
  explicit Case(const std::string& name) : file_("model_" + name), options_(file_.metadata("case")) {
    encoder_.arch = options_.text_of("arch");
    encoder_.image_height = options_.integer("height");
    encoder_.image_width = options_.integer("width");
    encoder_.channels = options_.integer("channels");
    encoder_.heads = options_.integer("heads");
    encoder_.has_trainable_positions = options_.integer("trainable_positions") != 0;
    encoder_.has_frozen_patch_projection = options_.integer("frozen_patch") != 0;
    classes_ = options_.integer("classes");
    image_ = {options_.integer("batch"), encoder_.channels, encoder_.image_height, encoder_.image_width};
    head_ = {.in = nn::feature_dim(encoder_), .classes = classes_};
  }

  const GoldenFile& file() const { return file_; }

  GoldenModel model() const {
    GoldenModel model;
    model.specs = nn::encoder_parameters(encoder_);
    if (classes_ > 0) {
      const graph::ParameterSpecs head = nn::linear_head_parameters("head", head_);
      model.specs.insert(model.specs.end(), head.begin(), head.end());
    }
    model.last_norm = encoder_.arch == "resnet50" ? "bn3" : "bn2";
    model.target = classes_ > 0 ? "loss" : "features";
    model.seed = classes_ > 0 ? "" : "seed";
    model.build = [this](nn::Scope& scope) { build(scope); };
    return model;
  }

  GoldenRun::Inputs inputs() const {
    GoldenRun::Inputs inputs{{"x", golden_image(options_.text_of("image"), image_)}, {"seed", seed()}, {"labels", {}}};
    for (std::int64_t i = 0; i < image_[0]; ++i) inputs["labels"].push_back(static_cast<float>(i * 7 % classes()));
    return inputs;
  }

  // The objective: the marked loss, or the sum of seed times features.
  double loss(const GoldenRun& run) const {
    if (classes_ > 0) return run.output("loss")[0];
    const std::vector<double> features = run.output("features");
    const std::vector<float> seeds = seed();
    double sum = 0;
    for (std::size_t i = 0; i < features.size(); ++i) sum += features[i] * static_cast<double>(seeds[i]);
    return sum;
  }

 private:
  std::int64_t classes() const { return std::max<std::int64_t>(classes_, 1); }
  std::vector<float> seed() const { return golden_uniform("seed", image_[0] * head_.in); }

  void build(nn::Scope& scope) const {
    graph::Graph& graph = scope.graph;
    const ValueId x = graph.add_source(Role::input, "x", {image_, DType::f32});
    const ValueId image = graph::to_channels_last(graph, x, DType::f32, "input");
    const ValueId features = nn::encoder_features(scope, image, encoder_);
    const bool is_training = scope.mode == nn::Mode::training;
    if (classes_ > 0 && is_training) {
      const ValueId labels = graph.add_source(Role::input, "labels", {Shape{image_[0]}, DType::i32});
      const ValueId logits = nn::linear_head(scope, features, "head", head_);
      graph.mark_output(graph::softmax_cross_entropy(graph, logits, labels, {}, "loss"), "loss");
    } else if (is_training) {
      graph.add_source(Role::input, "seed", {Shape{image_[0], head_.in}, DType::f32});
    }
    graph.mark_output(graph::cast(graph, features, DType::f32, "features"), "features");
  }

  GoldenFile file_;
  GoldenOptions options_;
  nn::EncoderOptions encoder_;
  nn::LinearHeadOptions head_;
  std::int64_t classes_ = 0;
  Shape image_;
};

std::span<const double, 9> row(const std::vector<double>& table, std::size_t index) {
  return std::span<const double, 9>(table.data() + 9 * index, 9);
}

double norm(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

// The error of each gradient, in the golden's order.
std::vector<double> gradient_errors(Check& check, const Case& model_case, const GoldenRun& run) {
  const std::vector<std::string> names = split_lines(model_case.file().metadata("gradients"));
  std::vector<std::string> ours;
  for (const auto& spec : model_case.model().specs) {
    if (!spec.is_buffer && spec.is_trainable) ours.push_back(spec.name);
  }
  check.that(names == ours, "trainable parameters: ", ours.size(), ", expected ", names.size(),
             " of the same names and in the same order");
  const std::vector<double> expected = model_case.file().values("gradients");
  std::vector<double> errors;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<double> gradient = run.gradient(names[i]);
    errors.push_back(fingerprint_error(fingerprint(names[i], gradient), row(expected, i)));
  }
  return errors;
}

void check_buffers(Check& check, const Case& model_case, const GoldenRun& run, double tolerance) {
  const std::vector<std::string> names = split_lines(model_case.file().metadata("buffers"));
  if (names.empty()) return;
  const std::vector<double> expected = model_case.file().values("buffers");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<double> buffer = run.buffer(names[i]);
    const double error = fingerprint_error(fingerprint(names[i], buffer), row(expected, i));
    check.that(error <= tolerance, names[i], ": relative error ", error, ", at most ", tolerance);
  }
}

void check_exact(Check& check, const Case& model_case, const backend::Backend& backend, const Tolerances& tolerances) {
  const GoldenFile& file = model_case.file();
  GoldenRun run(model_case.model(), nn::Mode::training, backend, DType::f32);
  run.run(model_case.inputs());
  check_close(check, "features", run.output("features"), file.values("features"), tolerances.features);
  const double loss = file.values("loss")[0], error = std::abs(model_case.loss(run) - loss);
  // A sum over features of both signs is as exact as the features are, not as its own size suggests.
  const double scale = std::max(std::abs(loss), norm(file.values("features")));
  check.that(error <= tolerances.features * scale, "loss: ", model_case.loss(run), ", expected ", loss);
  const std::vector<double> errors = gradient_errors(check, model_case, run);
  const std::vector<std::string> names = split_lines(file.metadata("gradients"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    check.that(errors[i] <= tolerances.gradients, "gradient of ", names[i], ": relative error ", errors[i],
               ", at most ", tolerances.gradients);
  }
  check_buffers(check, model_case, run, tolerances.buffers);
}

void check_inference(Check& check, const Case& model_case, const backend::Backend& backend, DType compute,
                     double tolerance) {
  GoldenRun run(model_case.model(), nn::Mode::inference, backend, compute);
  const GoldenRun::Inputs inputs = model_case.inputs();
  run.run(inputs);
  run.run(inputs);  // the second run finds the packed weights of the first
  const Comparison found = compare(run.output("features"), model_case.file().values("inference"));
  check.that(found.problem.empty() && found.norm_error <= tolerance, "features: relative error ", found.norm_error,
             ", at most ", tolerance, " ", found.problem);
}

// Features in both modes and gradients, against the error that PyTorch's autocast makes.
void check_bf16(Check& check, const Case& model_case, const backend::Backend& backend) {
  const GoldenFile& file = model_case.file();
  const std::vector<double> torch = file.values("torch_bf16_errors");
  GoldenRun run(model_case.model(), nn::Mode::training, backend, DType::bf16);
  run.run(model_case.inputs());
  const double features = compare(run.output("features"), file.values("features")).norm_error;
  const double most = std::min(kBf16Features, kAtMostTimesTorch * torch[0]);
  check.that(features <= most, "features: relative error ", features, ", at most ", most, "; PyTorch's is ", torch[0]);
  const std::vector<double> errors = gradient_errors(check, model_case, run);
  const double ours = norm(errors), theirs = norm(std::span(torch).subspan(1));
  check.that(ours <= kAtMostTimesTorch * theirs, "gradients: error over all tensors ", ours, "; PyTorch's is ", theirs);
}

}  // namespace

void golden_models(Suite& suite) {
  const auto reference = backend::make_reference_backend();
  const auto cpu = make_test_backend();
  const bool has_bf16 = cpu->describe().has_bf16;
  for (const std::string name : {"resnet18_33x65", "vit_tiny_one_channel_two_heads_32x48"}) {
    suite.test(name + ": reference", [&](Check& check) {
      const Case model_case(name);
      check_exact(check, model_case, *reference, kReference);
      check_inference(check, model_case, *reference, DType::f32, kReference.features);
    });
  }
  for (const std::string name :
       {"resnet18", "resnet34", "resnet50", "resnet50_one_channel_97x129", "resnet18_33x65", "vit_tiny",
        "vit_tiny_160x96", "vit_tiny_one_channel_two_heads_32x48", "vit_small", "vit_base", "mocov3_vit_small_64x64"}) {
    suite.test(name + ": f32", [&](Check& check) {
      const Case model_case(name);
      check_exact(check, model_case, *cpu, kF32);
      check_inference(check, model_case, *cpu, DType::f32, kF32.features);
    });
    if (!has_bf16) {
      suite.skip(name + ": bf16", "this processor does not compute bf16");
      continue;
    }
    suite.test(name + ": bf16", [&](Check& check) {
      const Case model_case(name);
      check_bf16(check, model_case, *cpu);
      const double torch = model_case.file().values("torch_bf16_inference_error")[0];
      check_inference(check, model_case, *cpu, DType::bf16, std::min(kBf16Features, kAtMostTimesTorch * torch));
    });
  }
}

}  // namespace gyrus::tests::suites
