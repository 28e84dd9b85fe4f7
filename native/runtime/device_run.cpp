#include "runtime/device_run.h"

#include <cstring>
#include <utility>

#include "core/error.h"

namespace gyrus::runtime {
namespace {

constexpr std::int64_t kAlignment = 256;

}  // namespace

DeviceRun::DeviceRun(std::shared_ptr<backend::DeviceQueue> queue, DeviceMirror& mirror)
    : queue_(std::move(queue)), mirror_(mirror), hyper_(make_twin(sizeof(backend::Hyper))) {}

DeviceRun::Twin DeviceRun::make_twin(std::int64_t bytes) {
  return {queue_->allocate(bytes, MemoryKind::device), queue_->allocate(bytes, MemoryKind::pinned), nullptr, bytes};
}

void* DeviceRun::allocate_arena(std::int64_t bytes) {
  if (bytes > 0) arena_ = queue_->allocate(bytes, MemoryKind::device);
  return arena_.get();
}

// Its pinned twin is made when the host brings something for the first time: a feed needs none.
void* DeviceRun::add_input(std::int64_t bytes) {
  inputs_.push_back({queue_->allocate(bytes, MemoryKind::device), nullptr, nullptr, bytes});
  return inputs_.back().device.get();
}

void DeviceRun::set_feed(std::unique_ptr<InputFeed> feed) {
  feed_ = std::move(feed);
  const auto first = static_cast<std::size_t>(Source::feed) * kParts;
  for (std::size_t part = 0; part < kParts; ++part) ways_[first + part] = {};
}

const void* DeviceRun::add_output(const void* device, std::int64_t bytes) {
  outputs_.push_back({nullptr, queue_->allocate(bytes, MemoryKind::pinned), device, bytes});
  return outputs_.back().pinned.get();
}

void DeviceRun::guard(std::span<const float* const> losses) {
  if (losses.empty()) return;
  guard_ = queue_->make_finite_guard(losses, static_cast<backend::Hyper*>(hyper_.device.get()));
}

std::uint64_t DeviceRun::prefetch(std::span<const void* const> inputs) {
  GYRUS_ASSERT(inputs.size() == inputs_.size());
  if (!ahead_) {
    std::int64_t bytes = 0;
    std::vector<DeviceFeed::Place> places;
    for (const Twin& input : inputs_) {
      places.push_back({input.device.get(), bytes, input.bytes});
      bytes += (input.bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    ahead_ = std::make_unique<DeviceFeed>(queue_, bytes, 1);
    places_ = std::move(places);
  }
  ahead_->drop();
  ahead_->fill({++ahead_number_, 0, 1}, [&](std::byte* pinned) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::memcpy(pinned + places_[i].offset, inputs[i], static_cast<std::size_t>(places_[i].bytes));
    }
  });
  return ahead_number_;
}

void DeviceRun::bring(std::span<const void* const> inputs) {
  source_ = Source::host;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Twin& input = inputs_[i];
    input.is_brought = inputs[i] != nullptr;
    if (!input.is_brought) {
      source_ = Source::feed;
      continue;
    }
    if (!input.pinned) input.pinned = queue_->allocate(input.bytes, MemoryKind::pinned);
    std::memcpy(input.pinned.get(), inputs[i], static_cast<std::size_t>(input.bytes));
  }
  GYRUS_ASSERT(source_ == Source::host || feed_ != nullptr);
}

void DeviceRun::stage(std::span<const void* const> inputs, const backend::Hyper& values, std::uint64_t prefetched) {
  GYRUS_CHECK(inputs.size() == inputs_.size(), Code::invalid_argument, "the program takes ", inputs_.size(),
              " inputs, not ", inputs.size());
  // A later prefetch may have taken the place of this one.
  if (prefetched != 0 && prefetched == ahead_number_) {
    source_ = Source::ahead;
    for (Twin& input : inputs_) input.is_brought = false;
  } else {
    bring(inputs);
  }
  *static_cast<backend::Hyper*>(hyper_.pinned.get()) = values;
  way_ = static_cast<std::size_t>(source_) * kParts + static_cast<std::size_t>(values.part);
}

void DeviceRun::take_feed() {
  if (source_ == Source::feed) feed_->take();
  if (source_ != Source::ahead) return;
  ahead_->expect({ahead_number_, 0, 1});
  ahead_->take(places_);
}

void DeviceRun::enqueue_inputs() {
  for (const Twin& input : inputs_) {
    if (input.is_brought) queue_->copy_to_device(input.device.get(), input.pinned.get(), input.bytes);
  }
  if (source_ == Source::feed) feed_->write();
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
  ++ways_[way_].runs;
  return static_cast<const backend::Hyper*>(hyper_.pinned.get())->may_update != 0;
}

std::vector<std::byte> DeviceRun::fetch(const void* device, std::int64_t bytes) {
  std::vector<std::byte> copy(static_cast<std::size_t>(bytes));
  queue_->copy_to_host(copy.data(), device, bytes);
  queue_->synchronize();
  return copy;
}

}  // namespace gyrus::runtime
