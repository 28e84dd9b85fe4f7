#include "runtime/program.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/error.h"
#include "runtime/poison.h"

namespace gyrus::runtime {
void Program::bind(Step& step) {
  try {
    step.kernel->bind({step.in, step.out, step.scratch, &hyper_, store_.arenas()});
  } catch (const Error& error) {
    throw error.with_context(text("while preparing ", step.name));
  }
}

// Kernels that read the caller's arrays are bound again when an array moved: a pointer's worth of work, no copy.
void Program::rebind_inputs(std::span<const void* const> inputs) {
  GYRUS_CHECK(inputs.size() == inputs_.size(), Code::invalid_argument, "the program takes ", inputs_.size(),
              " inputs, not ", inputs.size());
  for (Step& step : steps_) {
    bool has_moved = false;
    for (const auto& [position, input] : step.input_slots) {
      has_moved = has_moved || step.in[position] != inputs[input];
      step.in[position] = const_cast<void*>(inputs[input]);
    }
    if (has_moved) bind(step);
  }
  std::copy(inputs.begin(), inputs.end(), inputs_.begin());
}

bool Program::run(std::span<const void* const> inputs, const backend::Hyper& hyper, const std::atomic<bool>* stop,
                  std::vector<KernelTime>* times) {
  using Clock = std::chrono::steady_clock;
  hyper_ = hyper;
  rebind_inputs(inputs);
  const bool runs_prologue = prologue_version_ != store_.version();
  for (Step& step : steps_) {
    if (step.is_prologue && !runs_prologue) continue;
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return false;
    if (options_.is_poisoned) step.poison.set_guards();
    const auto start = times != nullptr ? Clock::now() : Clock::time_point();
    step.kernel->run();
    if (times != nullptr) {
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      times->push_back({step.name, step.kind, elapsed.count(), step.work});
    }
    if (options_.is_poisoned) step.poison.check(step.name);
  }
  prologue_version_ = store_.version();
  return true;
}

const void* Program::output(std::string_view name) const {
  for (const Output& output : outputs_) {
    if (output.name == name) return output.data;
  }
  throw Error(Code::name, text("the program has no output called '", name, "'"));
}

const Shape& Program::output_shape(std::string_view name) const {
  for (const Output& output : outputs_) {
    if (output.name == name) return output.shape;
  }
  throw Error(Code::name, text("the program has no output called '", name, "'"));
}

}  // namespace gyrus::runtime
