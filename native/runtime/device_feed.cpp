#include "runtime/device_feed.h"

#include <utility>

#include "core/error.h"

namespace gyrus::runtime {
namespace {

std::string describe(const FeedTag& tag) { return text("part ", tag.part, " of ", tag.parts, " of step ", tag.step); }

}  // namespace

DeviceFeed::DeviceFeed(std::shared_ptr<backend::DeviceQueue> queue, std::int64_t bytes, std::size_t slots)
    : queue_(std::move(queue)), bytes_(bytes), slots_(slots) {
  for (Slot& slot : slots_) {
    slot.pinned = queue_->allocate(bytes, MemoryKind::pinned);
    slot.device = queue_->allocate(bytes, MemoryKind::device);
    slot.arrived = queue_->make_event();
    slot.taken = queue_->make_event();
  }
  lane_ = queue_->make_lane();
}

DeviceFeed::Slot& DeviceFeed::begin_fill() {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[to_fill_];
  GYRUS_CHECK(slot.state == State::free, Code::busy, "all slots on the way to the device are full (the next holds ",
              describe(slots_[to_take_].tag), "): let the trainer take one before more is fed");
  slot.state = State::filling;
  return slot;
}

void DeviceFeed::set_state(Slot& slot, State state) {
  const std::lock_guard lock(mutex_);
  slot.state = state;
}

void DeviceFeed::fill(const FeedTag& tag, const std::function<void(std::byte*)>& write) {
  Slot& slot = begin_fill();
  try {
    slot.arrived->synchronize();
    write(static_cast<std::byte*>(slot.pinned.get()));
    lane_->wait_for(*slot.taken);
    lane_->copy_to_device(slot.device.get(), slot.pinned.get(), bytes_);
    lane_->mark(*slot.arrived);
  } catch (...) {
    set_state(slot, State::free);
    throw;
  }
  const std::lock_guard lock(mutex_);
  slot.tag = tag;
  slot.state = State::full;
  to_fill_ = (to_fill_ + 1) % slots_.size();
}

void DeviceFeed::expect(const FeedTag& tag) {
  const std::lock_guard lock(mutex_);
  const Slot& next = slots_[to_take_];
  if (next.state == State::full && next.tag == tag) return;
  const std::string found = next.state == State::full ? describe(next.tag) : "nothing";
  drop_full();
  throw Error(Code::invalid_argument,
              text(describe(tag), " is to be computed, but what was fed next is ", found,
                   ": feed parts in the order in which the trainer takes them, and await each before its step"));
}

void DeviceFeed::drop_full() {
  for (Slot& slot : slots_) {
    if (slot.state == State::full) slot.state = State::free;
  }
  to_take_ = to_fill_;
}

void DeviceFeed::drop() {
  const std::lock_guard lock(mutex_);
  drop_full();
}

void DeviceFeed::take(std::span<const Place> places) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[to_take_];
  GYRUS_ASSERT(slot.state == State::full);
  queue_->wait_for(*slot.arrived);
  for (const auto& [to, offset, bytes] : places) {
    queue_->copy_on_device(to, static_cast<const std::byte*>(slot.device.get()) + offset, bytes);
  }
  queue_->mark(*slot.taken);
  slot.state = State::free;
  to_take_ = (to_take_ + 1) % slots_.size();
}

}  // namespace gyrus::runtime
