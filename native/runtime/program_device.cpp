// Program::run where kernels only enqueue: the whole step, or each part of one over micro-batches, is recorded once and
// then put into the device's queue at once.
#include <chrono>
#include <utility>

#include "core/error.h"
#include "runtime/device_mirror.h"
#include "runtime/program.h"

namespace gyrus::runtime {

void Program::enqueue(backend::StepPart part, std::vector<KernelTime>* times) {
  using Clock = std::chrono::steady_clock;
  device_->enqueue_inputs();
  bool is_guarded = false;
  for (Step& step : steps_) {
    if (step.is_prologue) continue;
    if (step.is_update && !is_guarded) {
      device_->enqueue_guard();
      is_guarded = true;
    }
    if (!belongs_to(part, step)) continue;
    if (times == nullptr) {
      step.kernel->run();
      continue;
    }
    device_->queue().synchronize();
    const auto start = Clock::now();
    step.kernel->run();
    device_->queue().synchronize();
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    times->push_back({step.name, step.kind, elapsed.count(), step.work, step.way});
  }
  device_->enqueue_outputs();
}

void* Program::device_input(std::size_t number) const {
  GYRUS_ASSERT(device_ != nullptr);
  return device_->input(number);
}

void Program::set_feed(std::unique_ptr<InputFeed> feed) {
  GYRUS_ASSERT(device_ != nullptr);
  device_->set_feed(std::move(feed));
}

std::uint64_t Program::prefetch(std::span<const void* const> inputs) { return device_ ? device_->prefetch(inputs) : 0; }

RunEnd Program::run_on_device(std::span<const void* const> inputs, const backend::Hyper& hyper,
                              const std::atomic<bool>* stop, std::vector<KernelTime>* times, std::uint64_t prefetched) {
  if (stop != nullptr && stop->load(std::memory_order_relaxed)) return RunEnd::stopped;
  device_->mirror().bring_to_device();
  device_->stage(inputs, hyper, prefetched);
  device_->take_feed();
  if (prologue_version_ != store_.version()) {
    for (Step& step : steps_) {
      if (step.is_prologue) step.kernel->run();
    }
  }
  if (times != nullptr || !device_->is_warm()) {
    enqueue(hyper.part, times);
  } else {
    auto& recording = device_->recording();
    if (!recording) recording = device_->queue().record([this, part = hyper.part] { enqueue(part, nullptr); });
    recording->launch();
  }
  // Constant parameters mean inference, which changes nothing in the store.
  if (!options_.has_constant_parameters) device_->mirror().note_device_change();
  if (while_waiting_) while_waiting_();
  const bool was_guard_passed = device_->finish();
  prologue_version_ = store_.version();
  return was_guard_passed ? RunEnd::done : RunEnd::non_finite;
}

}  // namespace gyrus::runtime
