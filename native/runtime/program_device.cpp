// Program::run where kernels only enqueue: the whole step, or each part of one over micro-batches, is recorded once and
// then put into the device's queue at once.
#include <chrono>
#include <utility>

#include "core/error.h"
#include "runtime/device_mirror.h"
#include "runtime/program.h"

namespace gyrus::runtime {
namespace {

// Lets go of what a run has taken, however the run ends.
class SlotGuard {
 public:
  explicit SlotGuard(DeviceRun& device) : device_(device) {}
  ~SlotGuard() {
    try {
      device_.release();
    } catch (const Error&) {
      return;  // of a device that has failed, which the run has said already
    }
  }
  SlotGuard(const SlotGuard&) = delete;
  SlotGuard& operator=(const SlotGuard&) = delete;

 private:
  DeviceRun& device_;
};

}  // namespace

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
      run_step(step);
      continue;
    }
    device_->queue().synchronize();
    const auto start = Clock::now();
    run_step(step);
    device_->queue().synchronize();
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    times->push_back({step.name, step.kind, elapsed.count(), step.work, step.way});
  }
  device_->enqueue_outputs();
}

void Program::run_step(Step& step) {
  if (step.image >= 0) return run_on_image(step);
  step.kernel->run();
}

// What the network reads of an image, from wherever that is in this run: a feed writes it there itself.
void Program::run_on_image(Step& step) {
  const auto number = static_cast<std::size_t>(step.image);
  const DeviceRun::Source source = device_->source();
  if (source == DeviceRun::Source::feed) return device_->write_image(number);
  void* const image = source == DeviceRun::Source::ahead ? device_->image_ahead(number) : step.scratch;
  if (step.in.front() != image) {
    step.in.front() = image;
    bind(step);
  }
  if (source == DeviceRun::Source::host) device_->bring_image(number, image);
  step.kernel->run();
}

const Program::Step& Program::step_of_image(std::size_t number) const {
  const Step* found = nullptr;
  for (const Step& step : steps_) {
    if (step.image != static_cast<int>(number)) continue;
    GYRUS_ASSERT(found == nullptr);  // a feed writes one place
    found = &step;
  }
  GYRUS_ASSERT(found != nullptr);
  return *found;
}

Program::NetworkInput Program::network_input(std::size_t number) const {
  const Step& step = step_of_image(number);
  return {step.out.front(), step.checked.front().dtype};
}

bool Program::is_fed_image_bad(std::size_t number) {
  device_->write_image(number);
  return is_bad(step_of_image(number).checked.front());
}

void Program::set_feed(std::unique_ptr<InputFeed> feed) {
  GYRUS_ASSERT(device_ != nullptr);
  device_->set_feed(std::move(feed));
}

std::uint64_t Program::prefetch(std::span<const void* const> images) { return device_ ? device_->prefetch(images) : 0; }

void Program::share_prefetch(Program& other) {
  if (device_) device_->share_prefetch(*other.device_);
}

RunEnd Program::run_on_device(std::span<const void* const> inputs, const backend::Hyper& hyper,
                              const std::atomic<bool>* stop, std::vector<KernelTime>* times, std::uint64_t prefetched) {
  if (stop != nullptr && stop->load(std::memory_order_relaxed)) return RunEnd::stopped;
  device_->mirror().bring_to_device();
  device_->stage(inputs, hyper, prefetched);
  const SlotGuard guard(*device_);
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
