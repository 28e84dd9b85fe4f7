#include "runtime/device_feed.h"

#include <utility>

#include "core/error.h"

namespace gyrus::runtime {
namespace {

std::string describe(const FeedTag& tag) { return text("part ", tag.part, " of ", tag.parts, " of step ", tag.step); }

}  // namespace

DeviceFeed::DeviceFeed(std::shared_ptr<backend::DeviceQueue> queue, std::int64_t bytes, std::size_t slots)
    : queue_(std::move(queue)) {
  for (std::size_t i = 0; i < slots; ++i) slots_.push_back({DeviceSlot(*queue_, bytes), State::free, {}});
  lane_ = queue_->make_lane();
}

DeviceFeed::Slot& DeviceFeed::begin_fill() {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[to_fill_];
  is_released_.wait(lock, [&] { return slot.state != State::held; });
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
    slot.memory.fill(*lane_, write);
  } catch (...) {
    set_state(slot, State::free);
    throw;
  }
  const std::lock_guard lock(mutex_);
  slot.tag = tag;
  slot.state = State::full;
  to_fill_ = (to_fill_ + 1) % slots_.size();
}

void DeviceFeed::drop_full() {
  for (Slot& slot : slots_) {
    if (slot.state == State::full) slot.state = State::free;
  }
  to_take_ = to_fill_;
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

std::size_t DeviceFeed::take() {
  if (held_) return *held_;
  const std::lock_guard lock(mutex_);
  Slot& next = slots_[to_take_];
  GYRUS_ASSERT(next.state == State::full);
  next.memory.begin_read(*queue_);
  next.state = State::held;
  held_ = std::exchange(to_take_, (to_take_ + 1) % slots_.size());
  return *held_;
}

void DeviceFeed::release() {
  if (!held_) return;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[*std::exchange(held_, std::nullopt)];
    slot.state = State::free;
    slot.memory.end_read(*queue_);
  }
  is_released_.notify_all();
}

}  // namespace gyrus::runtime
