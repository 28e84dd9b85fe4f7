// What all training sessions are made of: parameters with their gradients and optimizer slots, the compiled step, how
// many steps are done, and whether the last one was broken off.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/program.h"
#include "train/sessions.h"
#include "train/weights.h"

namespace gyrus::train {

struct PartHyper {
  StepHyper step;
  backend::StepPart part = backend::StepPart::whole;
  std::uint64_t prefetched = 0;  // Program::prefetch()
};

class TrainingCore {
 public:
  // Initialises the parameters from the seed and allocates what the optimizer needs.
  // `has_accumulator`: gradients are gathered over micro-batches.
  TrainingCore(graph::ParameterSpecs specs, const OptimizerOptions& optimizer, const DeviceOptions& device,
               std::uint64_t seed, bool has_accumulator = false);
  // `losses`: outputs of the graph, of shape [1], that are differentiated and must be finite.
  void compile(const graph::Graph& graph, std::span<const std::string> losses);

  // Of a compiled program of the session's own: parts of a step over micro-batches. end_step() ends such a step.
  void run_part(runtime::Program& program, std::span<const void* const> inputs, const PartHyper& hyper,
                const Stop& stop, std::vector<runtime::KernelTime>* times);
  // What follows tears the step when it fails: the next one then wants weights to be loaded first.
  void begin_step();
  void end_step();
  // Throws Code::non_finite; names the first bad value that `program` meets on these inputs.
  [[noreturn]] void fail_non_finite(const std::string& what, runtime::Program& program,
                                    std::span<const void* const> inputs, const PartHyper& hyper);

  // That compile() made.
  runtime::Program& program() { return *program_; }
  const Device& device() const { return device_; }
  const OptimizerOptions& optimizer() const { return optimizer_; }

  // One step. Throws Code::aborted when `stop` was set half-way, and Code::non_finite, naming the first bad value, when
  // a loss is NaN or infinite: nothing was updated then. After either the next step wants weights to be loaded first.
  void run(std::span<const void* const> inputs, const StepHyper& hyper, const Stop& stop,
           std::vector<runtime::KernelTime>* times, std::uint64_t prefetched = 0);
  const float* output(const char* name) const { return static_cast<const float*>(program_->output(name)); }

  // Of the program that compile() made, if it was called.
  SessionInfo info() const;
  runtime::ParameterStore& store() { return store_; }
  std::int64_t steps_done() const { return steps_done_; }

  // What load() then demands of forms of weights (load_tensors).
  void set_encoder(const nn::EncoderOptions& encoder) { encoder_ = encoder; }
  // `allowed_extra`: prefixes of names that the file may hold besides.
  LoadReport load(const std::string& path, std::span<const NamedTensor> tensors,
                  std::span<const std::string> allowed_extra = {});
  // Everything that the next step depends on: the tensors, the optimizer's slots under "optimizer.<slot>.<name>", and
  // the number of steps. `facts`: what a file must agree on with whoever loads it (architecture, method).
  using Facts = std::map<std::string, std::string>;
  void save_state(const std::string& path, std::vector<NamedTensor> tensors, const Facts& facts);
  // Throws Code::weights_mismatch for a file of other facts, optimizer or precision; nothing is changed then.
  void load_state(const std::string& path, std::vector<NamedTensor> tensors, const Facts& facts);

 private:
  void append_slots(std::vector<NamedTensor>& tensors);
  Facts with_own(Facts facts) const;
  backend::Hyper values_of(const PartHyper& hyper) const;

  OptimizerOptions optimizer_;
  Device device_;
  runtime::ParameterStore store_;
  std::unique_ptr<runtime::Program> program_;
  std::int64_t steps_done_ = 0;
  std::optional<nn::EncoderOptions> encoder_;
  // A step was broken off: running statistics and momentum copies have moved already.
  const char* torn_message_ = nullptr;
};

}  // namespace gyrus::train
