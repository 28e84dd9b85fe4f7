// Batches on their way to a device: slots which a loader fills and which travel beside the queue while a step runs,
// until a step reads them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "backend/device_queue.h"
#include "runtime/device_slot.h"

namespace gyrus::runtime {

// What a slot holds: one of `parts` equal shares of a step's batch. Steps count from 0.
struct FeedTag {
  std::uint64_t step = 0;
  std::int64_t part = 0, parts = 1;
  bool operator==(const FeedTag&) const = default;
};

// Slots are filled and taken in turns. Kernels read a slot where it is, for as long as it is held: its place on the
// device is written again when all that was enqueued until its release is done.
class DeviceFeed {
 public:
  // `bytes`: of a slot. Throws Code::out_of_memory.
  DeviceFeed(std::shared_ptr<backend::DeviceQueue> queue, std::int64_t bytes, std::size_t slots);

  // The loader's thread. Calls write(pinned memory of `bytes`), then starts the upload. Waits while the next slot is
  // held. Code::busy when all slots wait to be taken; what write() throws leaves the slot free.
  void fill(const FeedTag& tag, const std::function<void(std::byte*)>& write);

  // The queue's thread. Throws Code::invalid_argument unless the next slot is full of just this; what waits in the
  // slots is dropped then.
  void expect(const FeedTag& tag);
  // The number of the next slot, which must be full, held from now on until release(); of the one that is held.
  std::size_t take();
  void release();
  // Where on the device a slot lies, for good.
  std::byte* device(std::size_t slot) const { return slots_.at(slot).memory.device(); }
  std::size_t slots() const { return slots_.size(); }

 private:
  enum class State : std::uint8_t { free, filling, full, held };
  struct Slot {
    DeviceSlot memory;
    State state = State::free;
    FeedTag tag;
  };
  Slot& begin_fill();
  void set_state(Slot& slot, State state);
  void drop_full();

  std::shared_ptr<backend::DeviceQueue> queue_;
  std::mutex mutex_;  // guards the slots' states and tags, and the two numbers
  std::condition_variable is_released_;
  std::vector<Slot> slots_;
  std::size_t to_fill_ = 0, to_take_ = 0;
  std::optional<std::size_t> held_;            // the queue's thread
  std::unique_ptr<backend::DeviceLane> lane_;  // last: it ends its copies before their memory goes
};

}  // namespace gyrus::runtime
