#include "runtime/device_run.h"

#include <cstring>
#include <utility>

#include "core/error.h"

namespace gyrus::runtime {

DeviceRun::DeviceRun(std::shared_ptr<backend::DeviceQueue> queue, DeviceMirror& mirror)
    : queue_(std::move(queue)), mirror_(mirror), hyper_(make_twin(sizeof(backend::Hyper))) {}

DeviceRun::Twin DeviceRun::make_twin(std::int64_t bytes) {
  return {queue_->allocate(bytes, MemoryKind::device), queue_->allocate(bytes, MemoryKind::pinned), nullptr, bytes};
}

void* DeviceRun::allocate_arena(std::int64_t bytes) {
  if (bytes > 0) arena_ = queue_->allocate(bytes, MemoryKind::device);
  return arena_.get();
}

void* DeviceRun::add_input(std::int64_t bytes) {
  inputs_.push_back(make_twin(bytes));
  return inputs_.back().device.get();
}

const void* DeviceRun::add_output(const void* device, std::int64_t bytes) {
  outputs_.push_back({nullptr, queue_->allocate(bytes, MemoryKind::pinned), device, bytes});
  return outputs_.back().pinned.get();
}

void DeviceRun::guard(std::span<const float* const> losses) {
  if (losses.empty()) return;
  guard_ = queue_->make_finite_guard(losses, static_cast<backend::Hyper*>(hyper_.device.get()));
}

void DeviceRun::stage(std::span<const void* const> inputs, const backend::Hyper& values) {
  GYRUS_CHECK(inputs.size() == inputs_.size(), Code::invalid_argument, "the program takes ", inputs_.size(),
              " inputs, not ", inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::memcpy(inputs_[i].pinned.get(), inputs[i], static_cast<std::size_t>(inputs_[i].bytes));
  }
  *static_cast<backend::Hyper*>(hyper_.pinned.get()) = values;
  part_ = static_cast<std::size_t>(values.part);
}

void DeviceRun::enqueue_inputs() {
  for (const Twin& input : inputs_) queue_->copy_to_device(input.device.get(), input.pinned.get(), input.bytes);
  queue_->copy_to_device(hyper_.device.get(), hyper_.pinned.get(), hyper_.bytes);
}

void DeviceRun::enqueue_guard() {
  if (guard_) guard_->run();
}

void DeviceRun::enqueue_outputs() {
  for (const Twin& output : outputs_) queue_->copy_to_host(output.pinned.get(), output.source, output.bytes);
  queue_->copy_to_host(hyper_.pinned.get(), hyper_.device.get(), hyper_.bytes);
}

bool DeviceRun::finish() {
  queue_->synchronize();
  ++ways_[part_].runs;
  return static_cast<const backend::Hyper*>(hyper_.pinned.get())->may_update != 0;
}

std::vector<std::byte> DeviceRun::fetch(const void* device, std::int64_t bytes) {
  std::vector<std::byte> copy(static_cast<std::size_t>(bytes));
  queue_->copy_to_host(copy.data(), device, bytes);
  queue_->synchronize();
  return copy;
}

}  // namespace gyrus::runtime
