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
                           std::uint64_t seed, bool has_accumulator)
    : optimizer_(optimizer), device_(open_device(device)), store_(std::move(specs), DType::f32) {
  initialize_store(store_, seed);
  store_.allocate_training(slot_count(optimizer), has_accumulator);
}

void TrainingCore::compile(const graph::Graph& graph, std::span<const std::string> losses) {
  program_ = compile_training(graph, losses, optimizer_, device_, store_);
}

void TrainingCore::run(std::span<const void* const> inputs, const StepHyper& hyper, const Stop& stop,
                       std::vector<runtime::KernelTime>* times, std::uint64_t prefetched) {
  begin_step();
  run_part(*program_, inputs, {.step = hyper, .prefetched = prefetched}, stop, times);
  end_step();
}

backend::Hyper TrainingCore::values_of(const PartHyper& hyper) const {
  return {hyper.step.lr, optimizer_.weight_decay, hyper.step.momentum, steps_done_ + 1, hyper.part};
}

void TrainingCore::begin_step() {
  if (torn_message_ != nullptr) throw Error(Code::aborted, torn_message_);
}

void TrainingCore::run_part(runtime::Program& program, std::span<const void* const> inputs, const PartHyper& hyper,
                            const Stop& stop, std::vector<runtime::KernelTime>* times) {
  switch (program.run(inputs, values_of(hyper), &stop, times, hyper.prefetched)) {
    case runtime::RunEnd::done:
      return;
    case runtime::RunEnd::stopped:
      torn_message_ = kTorn;
      throw Error(Code::aborted, kTorn);
    case runtime::RunEnd::non_finite:
      fail_non_finite("the loss is NaN or infinite", program, inputs, hyper);
  }
}

void TrainingCore::end_step() {
  steps_done_ += 1;
  store_.note_update();
}

void TrainingCore::fail_non_finite(const std::string& what, runtime::Program& program,
                                   std::span<const void* const> inputs, const PartHyper& hyper) {
  torn_message_ = kDiverged;
  const std::string first = program.first_non_finite(inputs, values_of(hyper));
  throw Error(Code::non_finite, text(what, first.empty() ? "" : "; the first value that is not finite is in ", first,
                                     "; no weight was changed"));
}

SessionInfo TrainingCore::info() const {
  SessionInfo info = describe_session(device_, store_);
  if (program_) info.arena_bytes = program_->arena_bytes();
  return info;
}

LoadReport TrainingCore::load(const std::string& path, std::span<const NamedTensor> tensors,
                              std::span<const std::string> allowed_extra) {
  LoadReport report = load_tensors(path, tensors, allowed_extra, encoder_ ? &*encoder_ : nullptr);
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
  if (encoder_) metadata.merge(network_facts(*encoder_));
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
