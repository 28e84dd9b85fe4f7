#include "train/training_core.h"

#include <charconv>
#include <utility>

#include "io/safetensors.h"
#include "train/compile.h"
#include "train/optimizer.h"

namespace gyrus::train {
namespace {

constexpr const char* kTorn = "a training step was aborted half-way; load the last saved weights before the next step";
constexpr const char* kDiverged =
    "an earlier step gave no finite loss; load the last saved weights before the next step";
constexpr const char* kForm = "gyrus-state-1";

std::string value_of(const std::map<std::string, std::string>& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

std::int64_t read_steps(const std::string& path, const std::string& digits) {
  std::int64_t steps = -1;
  const char* const end = digits.data() + digits.size();
  const auto [rest, problem] = std::from_chars(digits.data(), end, steps);
  GYRUS_CHECK(problem == std::errc() && rest == end && steps >= 0, Code::file_format, path,
              ": its number of steps is '", digits, "'; the file is damaged, load another checkpoint");
  return steps;
}

}  // namespace

TrainingCore::TrainingCore(graph::ParameterSpecs specs, const OptimizerOptions& optimizer, const DeviceOptions& device,
                           std::uint64_t seed)
    : optimizer_(optimizer), device_(open_device(device)), store_(std::move(specs), DType::f32) {
  initialize_store(store_, seed);
  store_.allocate_training(slot_count(optimizer));
}

void TrainingCore::compile(const graph::Graph& graph, std::span<const std::string> losses) {
  program_ = compile_training(graph, losses, optimizer_, device_, store_);
}

void TrainingCore::run(std::span<const void* const> inputs, const StepHyper& hyper, const Stop& stop,
                       std::vector<runtime::KernelTime>* times) {
  if (torn_message_ != nullptr) throw Error(Code::aborted, torn_message_);
  const backend::Hyper values{hyper.lr, optimizer_.weight_decay, hyper.momentum, steps_done_ + 1};
  switch (program_->run(inputs, values, &stop, times)) {
    case runtime::RunEnd::done:
      break;
    case runtime::RunEnd::stopped:
      torn_message_ = kTorn;
      throw Error(Code::aborted, kTorn);
    case runtime::RunEnd::non_finite:
      torn_message_ = kDiverged;
      throw Error(Code::non_finite, describe_failure(inputs, values));
  }
  steps_done_ += 1;
  store_.bump_version();
}

std::string TrainingCore::describe_failure(std::span<const void* const> inputs, const backend::Hyper& hyper) {
  const std::string first = program_->first_non_finite(inputs, hyper);
  return text("the loss is NaN or infinite", first.empty() ? "" : "; the first value that is not finite is in ", first,
              "; no weight was changed");
}

SessionInfo TrainingCore::info() const {
  SessionInfo info = describe_session(device_, store_);
  info.arena_bytes = program_->arena_bytes();
  return info;
}

LoadReport TrainingCore::load(const std::string& path, std::span<const NamedTensor> tensors) {
  LoadReport report = load_tensors(path, tensors, {}, encoder_ ? &*encoder_ : nullptr);
  store_.bump_version();
  torn_message_ = nullptr;
  return report;
}

void TrainingCore::append_slots(std::vector<NamedTensor>& tensors) {
  const std::array<std::string, 2> names = optimizer_.name == "adamw"
                                               ? std::array<std::string, 2>{"exp_avg", "exp_avg_sq"}
                                               : std::array<std::string, 2>{"momentum_buffer", ""};
  for (int slot = 0; slot < slot_count(optimizer_); ++slot) {
    for (const auto& entry : store_.entries()) {
      if (entry.spec.is_buffer || !entry.spec.is_trainable) continue;
      const auto count = static_cast<std::size_t>(entry.spec.shape.elements());
      tensors.push_back({"optimizer." + names.at(static_cast<std::size_t>(slot)) + "." + entry.spec.name,
                         entry.spec.shape,
                         {static_cast<float*>(store_.slot(slot, entry.spec.name)), count}});
    }
  }
}

TrainingCore::Facts TrainingCore::with_own(Facts facts) const {
  facts.emplace("gyrus_form", kForm);
  facts.emplace("optimizer", optimizer_.name);
  facts.emplace("precision", name_of(device_.compute));
  return facts;
}

void TrainingCore::save_state(const std::string& path, std::vector<NamedTensor> tensors, const Facts& facts) {
  if (torn_message_ != nullptr) throw Error(Code::aborted, torn_message_);
  append_slots(tensors);
  Facts metadata = with_own(facts);
  metadata.emplace("steps", std::to_string(steps_done_));
  save_tensors(path, tensors, metadata);
}

void TrainingCore::load_state(const std::string& path, std::vector<NamedTensor> tensors, const Facts& facts) {
  const std::map<std::string, std::string> metadata = io::SafetensorsReader(path).metadata();
  GYRUS_CHECK(value_of(metadata, "gyrus_form") == kForm, Code::weights_mismatch, path,
              " holds weights, but not the state of a training (its form is '", value_of(metadata, "gyrus_form"),
              "', '", kForm, "' was expected): load() takes weights, and training then begins anew from them");
  for (const auto& [key, wanted] : with_own(facts)) {
    const std::string found = value_of(metadata, key);
    GYRUS_CHECK(found == wanted, Code::weights_mismatch, path, " is the state of a training with ", key, " '", found,
                "', this one has '", wanted, "': make the trainer with the same, or take the weights alone by load()");
  }
  const std::int64_t steps = read_steps(path, value_of(metadata, "steps"));
  append_slots(tensors);
  load(path, tensors);
  steps_done_ = steps;
}

}  // namespace gyrus::train
