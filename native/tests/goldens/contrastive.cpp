// Twenty steps of MoCo v3 and SimCLR against PyTorch: every loss, and at the end every tensor of all networks. The
// cases and the methods stand in test/goldens/contrastive.py, which computes in f64 and says how far PyTorch's own f32
// is from it.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"
#include "train/method.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;

constexpr int kSteps = 20, kWarmup = 5;
constexpr double kLossTolerance = 1e-4;  // relative: what the task asks of f32
constexpr double kEndTolerance = 1e-3;   // norm-wise

nn::MlpNorm norm_of(const std::string& name) {
  if (name == "none") return nn::MlpNorm::none;
  return name == "layer_norm" ? nn::MlpNorm::layer_norm : nn::MlpNorm::batch_norm;
}

ContrastiveOptions options_of(const GoldenOptions& o) {
  ContrastiveOptions options;
  if (o.has("method")) options.method = o.text_of("method");
  if (o.has("norm")) options.projector_norm = norm_of(o.text_of("norm"));
  options.micro_batch = o.integer("micro");
  options.encoder.arch = o.text_of("arch");
  options.encoder.image_height = options.encoder.image_width = o.integer("size");
  options.encoder.channels = o.integer("channels");
  options.encoder.has_frozen_patch_projection = o.integer("frozen_patch") != 0;
  options.device = {.device = test_device(), .precision = train::Precision::f32};
  options.optimizer.name = o.text_of("optimizer");
  options.optimizer.weight_decay = o.number("weight_decay");
  options.optimizer.trust = o.number("trust", 0.001F);
  options.batch_size = o.integer("batch");
  options.temperature = 0.2F;
  options.projector_hidden = 128;
  options.projector_out = 64;
  return options;
}

// All tensors of the start, as PyTorch has them: the momentum encoder is a copy of the base encoder.
void write_start(const std::string& path, const ContrastiveOptions& options) {
  constexpr std::string_view kBase = "base_encoder.", kMomentum = "momentum_encoder.";
  std::map<std::string, std::vector<float>> values;
  std::vector<io::TensorToWrite> tensors;
  for (const graph::ParameterSpec& spec : train::find_method(options.method).parameters(options)) {
    if (spec.name.starts_with(kMomentum)) continue;
    auto& own = values[spec.name] = golden_parameter(spec.name, spec.shape, "bn2");
    tensors.push_back({spec.name, spec.shape, own});
    if (options.method == "simclr" || !spec.name.starts_with(kBase)) continue;
    tensors.push_back({std::string(kMomentum) + spec.name.substr(kBase.size()), spec.shape, own});
  }
  io::write_safetensors(path, tensors);
}

train::StepHyper hyper_at(int step, double peak) {
  const double s = step, pi = std::numbers::pi;
  const double rate = step < kWarmup ? s / kWarmup : 0.5 * (1 + std::cos(pi * (s - kWarmup) / (kSteps - kWarmup)));
  return {static_cast<float>(peak * rate), static_cast<float>(1 - 0.5 * (1 + std::cos(pi * s / kSteps)) * (1 - 0.9))};
}

// Of a running mean: the norm of the standard deviations beside it, which it is subtracted in units of. The predictor's
// means are sums that cancel, for its input is normalised: next to nothing but rounding. 0 of any other tensor.
double norm_of_deviations(const io::SafetensorsReader& reader, const std::string& name) {
  constexpr std::string_view kMean = "running_mean";
  if (!name.ends_with(kMean)) return 0;
  const io::StoredTensor* const tensor = reader.find(name.substr(0, name.size() - kMean.size()) + "running_var");
  if (tensor == nullptr) return 0;
  std::vector<float> variances(static_cast<std::size_t>(tensor->shape.elements()));
  reader.read_f32(*tensor, variances);
  return std::sqrt(std::accumulate(variances.begin(), variances.end(), 0.0));
}

void check_ends(Check& check, const GoldenFile& file, const std::string& name, const std::string& path) {
  const io::SafetensorsReader reader(path);
  const std::vector<double> ends = file.values(name + "/ends");
  const std::vector<std::string> names = split_lines(file.metadata(name + "/names"));
  check.equal(reader.tensors().size(), names.size(), "tensors of all networks");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const io::StoredTensor* const tensor = reader.find(names[i]);
    if (!check.that(tensor != nullptr, names[i], " is missing")) continue;
    std::vector<float> values(static_cast<std::size_t>(tensor->shape.elements()));
    reader.read_f32(*tensor, values);
    const auto expected = std::span(ends).subspan(i * 9).first<9>();
    const double difference = fingerprint_error(fingerprint(names[i], values), expected) * expected[0];
    const double error = difference / std::max(expected[0], norm_of_deviations(reader, names[i]));
    check.that(error <= kEndTolerance, names[i], " is off by ", error);
  }
}

void check_case(Check& check, const GoldenFile& file, const std::string& name) {
  const ScratchFolder folder;
  const GoldenOptions golden(file.metadata(name));
  const ContrastiveOptions options = options_of(golden);
  write_start(folder.path("start"), options);
  const auto session = ContrastiveSession::create(options);
  session->load(folder.path("start"));
  const std::vector<double> steps = file.values(name + "/steps");
  const Shape shape{options.batch_size, options.encoder.channels, options.encoder.image_height,
                    options.encoder.image_width};
  const train::Stop stop{false};
  const double peak = std::stod(golden.text_of("lr"));
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<float> x1 = golden_image(text("view1/", step), shape);
    const std::vector<float> x2 = golden_image(text("view2/", step), shape);
    const train::StepResult result = session->step(x1.data(), x2.data(), hyper_at(step, peak), stop);
    const double expected = steps[2 * static_cast<std::size_t>(step)];
    const double error = std::abs(static_cast<double>(result.loss) / expected - 1);
    check.that(error <= kLossTolerance, "the loss of step ", step + 1, " is ", result.loss, ", not ", expected);
    check.that(static_cast<double>(result.hits) == steps[2 * static_cast<std::size_t>(step) + 1], "hits of step ",
               step + 1);
  }
  session->save(folder.path("end"));
  check_ends(check, file, name, folder.path("end"));
}

}  // namespace

void golden_contrastive(Suite& suite) {
  const GoldenFile file("contrastive");
  for (const std::string name :
       {"resnet18_adamw", "resnet18_lars", "resnet18_lars_solo", "vit_tiny_adamw", "vit_tiny_lars", "resnet18_micro",
        "vit_tiny_micro_layer_norm", "simclr_resnet18", "simclr_vit_tiny_micro"}) {
    suite.test(text(name, ": twenty steps"), [&](Check& check) { check_case(check, file, name); });
  }
}

}  // namespace gyrus::tests::suites
