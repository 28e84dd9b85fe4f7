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

// Pinned twins are made when the host brings something for the first time: a feed needs none.
void* DeviceRun::add_input(std::int64_t bytes) {
  inputs_.push_back({queue_->allocate(bytes, MemoryKind::device), nullptr, nullptr, bytes});
  return inputs_.back().device.get();
}

void DeviceRun::add_image(std::int64_t bytes) {
  GYRUS_ASSERT(images_ == inputs_.size());
  inputs_.push_back({nullptr, nullptr, nullptr, bytes});
  ++images_;
}

void DeviceRun::set_feed(std::unique_ptr<InputFeed> feed) {
  feed_ = std::move(feed);
  const auto first = static_cast<std::size_t>(Source::feed) * kParts;
  for (std::size_t kind = first; kind < first + kParts; ++kind) {
    is_warm_.at(kind) = false;
    for (std::size_t slot = 0; slot < kSlots; ++slot) recordings_.at(kind * kSlots + slot).reset();
  }
}

const void* DeviceRun::add_output(const void* device, std::int64_t bytes) {
  outputs_.push_back({nullptr, queue_->allocate(bytes, MemoryKind::pinned), device, bytes});
  return outputs_.back().pinned.get();
}

void DeviceRun::guard(std::span<const float* const> losses) {
  if (losses.empty()) return;
  guard_ = queue_->make_finite_guard(losses, static_cast<backend::Hyper*>(hyper_.device.get()));
}

std::vector<std::int64_t> DeviceRun::image_bytes() const {
  std::vector<std::int64_t> bytes;
  for (std::size_t image = 0; image < images_; ++image) bytes.push_back(inputs_[image].bytes);
  return bytes;
}

std::shared_ptr<InputsAhead>& DeviceRun::ahead() {
  if (!ahead_) ahead_ = std::make_shared<InputsAhead>(queue_, image_bytes());
  return ahead_;
}

std::uint64_t DeviceRun::prefetch(std::span<const void* const> images) {
  return images_ == 0 ? 0 : ahead()->send(images);
}

void DeviceRun::share_prefetch(DeviceRun& other) {
  GYRUS_ASSERT(!ahead_ && other.image_bytes() == image_bytes());
  ahead_ = other.ahead();
}

void DeviceRun::stage(std::span<const void* const> inputs, const backend::Hyper& values, std::uint64_t prefetched) {
  GYRUS_CHECK(inputs.size() == inputs_.size(), Code::invalid_argument, "the program takes ", inputs_.size(),
              " inputs, not ", inputs.size());
  const bool is_fed = images_ > 0 && inputs.front() == nullptr;
  source_ = is_fed ? Source::feed : Source::host;
  slot_ = 0;
  if (is_fed) {
    GYRUS_ASSERT(feed_ != nullptr);
    slot_ = feed_->take();
  } else if (const auto taken = ahead_ ? ahead_->take(prefetched) : std::nullopt) {
    source_ = Source::ahead;
    slot_ = *taken;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool is_image = i < images_;
    GYRUS_ASSERT((inputs[i] == nullptr) == (is_fed && is_image));
    if (is_image && source_ != Source::host) continue;
    Twin& input = inputs_[i];
    if (!input.pinned) input.pinned = queue_->allocate(input.bytes, MemoryKind::pinned);
    std::memcpy(input.pinned.get(), inputs[i], static_cast<std::size_t>(input.bytes));
  }
  *static_cast<backend::Hyper*>(hyper_.pinned.get()) = values;
  kind_ = static_cast<std::size_t>(source_) * kParts + static_cast<std::size_t>(values.part);
  way_ = kind_ * kSlots + slot_;
}

void DeviceRun::enqueue_inputs() {
  for (std::size_t i = images_; i < inputs_.size(); ++i) {
    queue_->copy_to_device(inputs_[i].device.get(), inputs_[i].pinned.get(), inputs_[i].bytes);
  }
  queue_->copy_to_device(hyper_.device.get(), hyper_.pinned.get(), hyper_.bytes);
}

void DeviceRun::bring_image(std::size_t number, void* to) {
  GYRUS_ASSERT(number < images_);
  const Twin& image = inputs_[number];
  queue_->copy_to_device(to, image.pinned.get(), image.bytes);
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
  is_warm_.at(kind_) = true;
  return static_cast<const backend::Hyper*>(hyper_.pinned.get())->may_update != 0;
}

void DeviceRun::release() {
  if (source_ == Source::ahead) ahead_->release();
}

std::vector<std::byte> DeviceRun::fetch(const void* device, std::int64_t bytes) {
  std::vector<std::byte> copy(static_cast<std::size_t>(bytes));
  queue_->copy_to_host(copy.data(), device, bytes);
  queue_->synchronize();
  return copy;
}

}  // namespace gyrus::runtime
