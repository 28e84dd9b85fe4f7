#include "runtime/program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "runtime/device_mirror.h"
#include "runtime/poison.h"

namespace gyrus::runtime {
namespace {

template <class Float>
bool is_all_finite(const Float* values, std::int64_t count) {
  return std::all_of(values, values + count, [](Float value) { return std::isfinite(value); });
}

// bf16 is NaN or infinite when all bits of its exponent are set.
bool is_all_finite_bf16(const std::uint16_t* values, std::int64_t count) {
  constexpr std::uint16_t kExponent = 0x7F80;
  return std::all_of(values, values + count, [](std::uint16_t bits) { return (bits & kExponent) != kExponent; });
}

// Integers always are.
bool is_all_finite(const void* data, std::int64_t count, DType dtype) {
  if (dtype == DType::f32) return is_all_finite(static_cast<const float*>(data), count);
  if (dtype == DType::f64) return is_all_finite(static_cast<const double*>(data), count);
  if (dtype == DType::bf16) return is_all_finite_bf16(static_cast<const std::uint16_t*>(data), count);
  return true;
}

}  // namespace

void Program::bind(Step& step) {
  const backend::ArenaView arenas = store_.arenas();
  try {
    if (device_) {
      step.kernel->bind({step.in, step.out, step.scratch, device_->hyper(), device_->mirror().twin(arenas)});
    } else {
      step.kernel->bind({step.in, step.out, step.scratch, &hyper_, arenas});
    }
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

RunEnd Program::run(std::span<const void* const> inputs, const backend::Hyper& hyper, const std::atomic<bool>* stop,
                    std::vector<KernelTime>* times, std::uint64_t prefetched) {
  using Clock = std::chrono::steady_clock;
  if (device_) return run_on_device(inputs, hyper, stop, times, prefetched);
  hyper_ = hyper;
  rebind_inputs(inputs);
  const bool runs_prologue = prologue_version_ != store_.version();
  for (Step& step : steps_) {
    if (step.is_prologue && !runs_prologue) continue;
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return RunEnd::stopped;
    if (step.is_update && !is_guard_finite()) return RunEnd::non_finite;
    if (!belongs_to(hyper.part, step)) continue;
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
  return RunEnd::done;
}

bool Program::belongs_to(backend::StepPart part, const Step& step) {
  using backend::StepPart;
  if (step.is_ema_update) return part == StepPart::whole || part == StepPart::first;
  if (step.is_optimizer) return part == StepPart::whole || part == StepPart::last;
  return true;
}

bool Program::is_guard_finite() const {
  return std::all_of(guarded_.begin(), guarded_.end(), [](const float* value) { return std::isfinite(*value); });
}

std::string Program::first_non_finite(std::span<const void* const> inputs, const backend::Hyper& hyper) {
  GYRUS_ASSERT(store_.storage() == DType::f32);  // the reference backend's values are f64 whatever they say
  take_inputs(inputs, hyper);
  for (std::size_t i = 0; i < checked_inputs_.size(); ++i) {
    const Checked& input = checked_inputs_[i];
    if (inputs[i] == nullptr) {
      if (is_fed_image_bad(i)) return input.name;
      continue;
    }
    if (!is_all_finite(inputs[i], input.elements, input.dtype)) return input.name;
  }
  for (const auto& entry : store_.entries()) {
    // Running statistics have met the bad values already, and nothing in training reads them.
    if (entry.spec.is_buffer) continue;
    const std::int64_t count = entry.spec.shape.elements();
    const std::string& name = entry.spec.name;
    if (!is_all_finite(store_.parameter(name), count, store_.storage())) return "the parameter " + name;
    if (entry.spec.has_ema && !is_all_finite(store_.ema(name), count, store_.storage())) {
      return "the momentum copy of " + name;
    }
  }
  if (device_) device_->mirror().note_device_change();  // of running statistics
  for (Step& step : steps_) {
    if (step.is_update) break;
    if (step.is_ema_update) continue;
    run_step(step);
    const bool has_bad =
        std::any_of(step.checked.begin(), step.checked.end(), [&](const auto& b) { return is_bad(b); });
    if (has_bad) return "the output of " + step.name;
  }
  return "";
}

void Program::take_inputs(std::span<const void* const> inputs, const backend::Hyper& hyper) {
  if (!device_) {
    hyper_ = hyper;
    rebind_inputs(inputs);
    return;
  }
  device_->mirror().bring_to_device();
  device_->stage(inputs, hyper);
  device_->enqueue_inputs();
}

bool Program::is_bad(const Checked& block) const {
  if (!device_) return !is_all_finite(block.data, block.elements, block.dtype);
  const auto copy = device_->fetch(block.data, block.elements * size_of(block.dtype));
  return !is_all_finite(copy.data(), block.elements, block.dtype);
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
