// Whole encoders against torchvision and timm: features, loss, every gradient and every running statistic of one
// forward and backward pass, and the features in inference mode. The cases stand in test/goldens/models.py.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "graph/ops.h"
#include "nn/encoder.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/goldens/golden_model.h"
#include "tests/goldens/rounding_noise.h"
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

constexpr double kBf16Features = 3e-2;

// In bf16 errors must be no larger than those that PyTorch's autocast makes with the same numbers, up to what roundings
// decide by chance (rounding_noise.h): three deviations, five where each of a thousand tensors is asked.
constexpr double kDeviations = 3, kDeviationsOfTensor = 5;
// Errors below this are those of f32: PyTorch never rounded there, nor may we.
constexpr double kExact = 1e-5;

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

// The errors of PyTorch's autocast in one case, a number a run.
struct TorchErrors {
  explicit TorchErrors(const GoldenFile& file) : inference(file.values("torch_bf16_inference_errors")) {
    const std::vector<double> table = file.values("torch_bf16_errors");  // [runs, 1 + tensors]
    const std::size_t runs = inference.size(), width = table.size() / runs;
    tensors.resize(width - 1);
    for (std::size_t run = 0; run < runs; ++run) {
      const auto row = std::span(table).subspan(run * width, width);
      features.push_back(row[0]);
      gradients.push_back(norm(row.subspan(1)));
      for (std::size_t i = 1; i < width; ++i) tensors[i - 1].push_back(row[i]);
    }
  }
  std::vector<double> features, inference, gradients;  // gradients: over all tensors
  std::vector<std::vector<double>> tensors;
};

bool is_exact(const std::vector<double>& runs) { return geometric_mean(runs) < kExact; }

// Of PyTorch's runs, over the cases of a family: ResNets or ViTs.
struct Noise {
  explicit Noise(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const TorchErrors torch{GoldenFile("model_" + name)};
      features.add(torch.features);
      inference.add(torch.inference);
      gradients.add(torch.gradients);
      for (const std::vector<double>& runs : torch.tensors) {
        if (!is_exact(runs)) tensors.add(runs);
      }
    }
  }
  RoundingNoise features, inference, gradients, tensors;
};

struct Family {
  std::vector<std::string> names;
  std::optional<Noise> known;
  std::vector<double> ratios;  // of our error over all gradients to PyTorch's, a number a case

  const Noise& noise() {
    if (!known) known.emplace(names);
    return *known;
  }
};

void check_no_worse(Check& check, const std::string& what, double ours, std::span<const double> torch, double factor) {
  const double theirs = geometric_mean(torch);
  check.that(ours <= factor * theirs, what, ": relative error ", ours, "; PyTorch's is ", theirs,
             " and may be exceeded ", factor, " times");
}

void check_bf16(Check& check, const Case& model_case, const backend::Backend& backend, Family& family) {
  const TorchErrors torch(model_case.file());
  const Noise& noise = family.noise();
  GoldenRun run(model_case.model(), nn::Mode::training, backend, DType::bf16);
  run.run(model_case.inputs());
  const double features = compare(run.output("features"), model_case.file().values("features")).norm_error;
  check.that(features <= kBf16Features, "features: relative error ", features, ", at most ", kBf16Features);
  check_no_worse(check, "features", features, torch.features, noise.features.factor(kDeviations));
  const std::vector<double> errors = gradient_errors(check, model_case, run);
  check_no_worse(check, "all gradients", norm(errors), torch.gradients, noise.gradients.factor(kDeviations));
  family.ratios.push_back(norm(errors) / geometric_mean(torch.gradients));
  const std::vector<std::string> names = split_lines(model_case.file().metadata("gradients"));
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (is_exact(torch.tensors[i])) {
      check.that(errors[i] < kExact, "gradient of ", names[i], ": relative error ", errors[i], "; PyTorch's is exact");
    } else {
      check_no_worse(check, "gradient of " + names[i], errors[i], torch.tensors[i],
                     noise.tensors.factor(kDeviationsOfTensor));
    }
  }
}

void check_bf16_inference(Check& check, const Case& model_case, const backend::Backend& backend, Family& family) {
  const std::vector<double> torch = TorchErrors(model_case.file()).inference;
  check_inference(check, model_case, backend, DType::bf16,
                  std::min(kBf16Features, family.noise().inference.factor(kDeviations) * geometric_mean(torch)));
}

// Each case may be worse by chance, all together may not.
void check_family(Check& check, Family& family) {
  const double mean = geometric_mean(family.ratios);
  const double allowed = std::exp(kDeviations * family.noise().gradients.deviation(family.ratios.size()));
  check.that(mean <= allowed, "gradients: error over all cases ", mean, " times PyTorch's, by chance at most ",
             allowed);
}

void add_family(Suite& suite, const std::string& title, const std::vector<std::string>& names,
                const backend::Backend& backend) {
  const bool has_bf16 = backend.describe().has_bf16;
  Family family{names, {}, {}};
  for (const std::string& name : names) {
    suite.test(name + ": f32", [&](Check& check) {
      const Case model_case(name);
      check_exact(check, model_case, backend, kF32);
      check_inference(check, model_case, backend, DType::f32, kF32.features);
    });
    if (!has_bf16) {
      suite.skip(name + ": bf16", "this processor does not compute bf16");
      continue;
    }
    suite.test(name + ": bf16", [&](Check& check) {
      const Case model_case(name);
      check_bf16(check, model_case, backend, family);
      check_bf16_inference(check, model_case, backend, family);
    });
  }
  // A filter may have left some out.
  if (family.ratios.size() == names.size()) {
    suite.test(title + ": bf16 gradients", [&](Check& check) { check_family(check, family); });
  }
}

}  // namespace

void golden_models(Suite& suite) {
  const auto reference = backend::make_reference_backend();
  const auto cpu = make_test_backend();
  for (const std::string name : {"resnet18_33x65", "vit_tiny_one_channel_two_heads_32x48"}) {
    suite.test(name + ": reference", [&](Check& check) {
      const Case model_case(name);
      check_exact(check, model_case, *reference, kReference);
      check_inference(check, model_case, *reference, DType::f32, kReference.features);
    });
  }
  const std::map<std::string, std::vector<std::string>> families{
      {"ResNets", {"resnet18", "resnet34", "resnet50", "resnet50_one_channel_97x129", "resnet18_33x65"}},
      {"ViTs",
       {"vit_tiny", "vit_tiny_160x96", "vit_tiny_one_channel_two_heads_32x48", "vit_small", "vit_base",
        "mocov3_vit_small_64x64"}}};
  for (const auto& [title, names] : families) add_family(suite, title, names, *cpu);
}

}  // namespace gyrus::tests::suites
