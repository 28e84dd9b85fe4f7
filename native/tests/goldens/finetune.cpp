// Twenty steps of fine-tuning against PyTorch: every loss, every tensor at the end, and what the network then says of
// images that it has not seen. The cases stand in test/goldens/finetune.py, which computes in f64.
#include <cmath>
#include <map>
#include <numbers>
#include <sstream>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::SupervisedOptions;
using train::SupervisedSession;

constexpr int kSteps = 20, kWarmup = 5, kClasses = 5, kTests = 5;
constexpr double kLossTolerance = 1e-4;  // relative: what the task asks of f32
constexpr double kEndTolerance = 1e-3;   // norm-wise

SupervisedOptions options_of(const GoldenFile& file, const GoldenOptions& o) {
  SupervisedOptions options;
  options.encoder.arch = o.text_of("arch");
  options.encoder.image_height = options.encoder.image_width = o.integer("size");
  options.encoder.channels = o.integer("channels");
  options.encoder.has_trainable_positions = o.integer("positions") != 0;
  options.device = {.device = test_device(), .precision = train::Precision::f32};
  options.optimizer.name = o.text_of("optimizer");
  options.optimizer.weight_decay = o.number("weight_decay");
  options.optimizer.decays_vectors = o.integer("spares_vectors") == 0;
  options.batch_size = o.integer("batch");
  options.classes = kClasses;
  options.label_smoothing = o.number("smoothing");
  options.has_mixup = o.has("mixup");
  options.drop_path = o.number("drop_path");
  options.layer_decay = o.number("layer_decay", 1);
  options.seed = 3;
  if (o.has("weights")) {
    std::istringstream words(file.metadata("weights"));
    for (float weight = 0; words >> weight;) options.class_weights.push_back(weight);
  }
  return options;
}

// All tensors of the start, as PyTorch has them.
void write_start(const std::string& path, const SupervisedOptions& options) {
  std::map<std::string, std::vector<float>> values;
  std::vector<io::TensorToWrite> tensors;
  const auto add = [&](const graph::ParameterSpec& spec) {
    auto& own = values[spec.name] = golden_parameter(spec.name, spec.shape, "bn2");
    tensors.push_back({spec.name, spec.shape, own});
  };
  for (const graph::ParameterSpec& spec : nn::encoder_parameters(options.encoder)) add(spec);
  const std::string head = options.encoder.arch.starts_with("resnet") ? "fc" : "head";
  for (const auto& spec : nn::linear_head_parameters(head, {nn::feature_dim(options.encoder), kClasses})) add(spec);
  io::write_safetensors(path, tensors);
}

float learning_rate(int step, double peak) {
  const double s = step, pi = std::numbers::pi;
  const double rate = step < kWarmup ? s / kWarmup : 0.5 * (1 + std::cos(pi * (s - kWarmup) / (kSteps - kWarmup)));
  return static_cast<float>(peak * rate);
}

std::vector<std::int32_t> labels_at(int step, std::int64_t batch) {
  std::vector<std::int32_t> labels;
  labels.reserve(static_cast<std::size_t>(batch));
  for (int i = 0; i < batch; ++i) labels.push_back((7 * i + 3 * step) % kClasses);
  return labels;
}

void check_ends(Check& check, const GoldenFile& file, const std::string& name, const std::string& path) {
  const io::SafetensorsReader reader(path);
  const std::vector<double> ends = file.values(name + "/ends");
  const std::vector<std::string> names = split_lines(file.metadata(name + "/names"));
  check.equal(reader.tensors().size(), names.size(), "tensors");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const io::StoredTensor* const tensor = reader.find(names[i]);
    if (!check.that(tensor != nullptr, names[i], " is missing")) continue;
    std::vector<float> values(static_cast<std::size_t>(tensor->shape.elements()));
    reader.read_f32(*tensor, values);
    const double error = fingerprint_error(fingerprint(names[i], values), std::span(ends).subspan(i * 9).first<9>());
    check.that(error <= kEndTolerance, names[i], " is off by ", error);
  }
}

void check_logits(Check& check, const std::vector<double>& expected, SupervisedSession& session, const Shape& shape) {
  const Shape tests{kTests, shape[1], shape[2], shape[3]};
  std::vector<float> logits(kTests * kClasses);
  session.predict(golden_image("tests", tests).data(), kTests, logits.data(), train::Stop{false});
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    difference += std::pow(static_cast<double>(logits[i]) - expected[i], 2);
    size += expected[i] * expected[i];
  }
  check.that(std::sqrt(difference / size) <= kEndTolerance, "logits are off by ", std::sqrt(difference / size));
}

void check_case(Check& check, const GoldenFile& file, const std::string& name) {
  const ScratchFolder folder;
  const GoldenOptions golden(file.metadata(name));
  const SupervisedOptions options = options_of(file, golden);
  write_start(folder.path("start"), options);
  const auto session = SupervisedSession::create(options);
  session->load(folder.path("start"));
  const std::vector<double> steps = file.values(name + "/steps");
  const Shape shape{options.batch_size, options.encoder.channels, options.encoder.image_height,
                    options.encoder.image_width};
  const double peak = std::stod(golden.text_of("lr"));
  for (int step = 0; step < kSteps; ++step) {
    const float own = options.has_mixup ? static_cast<float>(0.3 + 0.03 * step) : 1.0F;
    const train::StepHyper hyper{learning_rate(step, peak), 0, own};
    const std::vector<float> x = golden_image(text("x/", step), shape);
    const train::StepResult result =
        session->step(x.data(), labels_at(step, options.batch_size).data(), hyper, train::Stop{false});
    const auto at = 2 * static_cast<std::size_t>(step);
    const double error = std::abs(static_cast<double>(result.loss) / steps[at] - 1);
    check.that(error <= kLossTolerance, "the loss of step ", step + 1, " is ", result.loss, ", not ", steps[at]);
    check.that(std::abs(static_cast<double>(result.hits) - steps[at + 1]) < 1e-6, "hits of step ", step + 1);
  }
  check_logits(check, file.values(name + "/logits"), *session, shape);
  session->save(folder.path("end"));
  check_ends(check, file, name, folder.path("end"));
}

}  // namespace

void golden_finetune(Suite& suite) {
  const GoldenFile file("finetune");
  for (const std::string name :
       {"resnet18_sgd", "resnet18_adamw", "resnet18_mixup", "vit_tiny_sgd", "vit_tiny_adamw", "vit_tiny_drop_path"}) {
    suite.test(text(name, ": twenty steps"), [&](Check& check) { check_case(check, file, name); });
  }
}

}  // namespace gyrus::tests::suites
