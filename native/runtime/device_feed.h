// Batches on their way to a device: slots of pinned memory, which a loader fills and which travel beside the queue
// while a step runs, until a step takes them to where it reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backend/device_queue.h"

namespace gyrus::runtime {

// What a slot holds: one of `parts` equal shares of a step's batch. Steps count from 0.
struct FeedTag {
  std::uint64_t step = 0;
  std::int64_t part = 0, parts = 1;
  bool operator==(const FeedTag&) const = default;
};

// Slots are filled and taken in turns. Each slot has a place on the device too, so that
//   - the loader writes a slot's pinned memory when the upload of what it held has ended (the host waits for an event);
//   - the upload begins when the queue has copied the slot's place away (the lane waits for one);
//   - the queue copies it away when the upload has ended (the queue waits for one);
// and a recorded step always reads the same addresses.
class DeviceFeed {
 public:
  // `bytes`: of a slot. Throws Code::out_of_memory.
  DeviceFeed(std::shared_ptr<backend::DeviceQueue> queue, std::int64_t bytes, std::size_t slots);

  // The loader's thread. Calls write(pinned memory of `bytes`), then starts the upload. Code::busy when all slots wait
  // to be taken; what write() throws leaves the slot free.
  void fill(const FeedTag& tag, const std::function<void(std::byte*)>& write);

  // The queue's thread. Throws Code::invalid_argument unless the next slot is full of just this; what waits in the
  // slots is dropped then.
  void expect(const FeedTag& tag);
  void drop();
  // Bytes of a slot, and where on the device a step reads them.
  struct Place {
    void* to = nullptr;
    std::int64_t offset = 0, bytes = 0;
  };
  // Enqueues copies of what the next slot holds, which must be full.
  void take(std::span<const Place> places);

 private:
  enum class State : std::uint8_t { free, filling, full };
  struct Slot {
    std::shared_ptr<void> pinned, device;
    // `arrived`: the upload has read the one and written the other. `taken`: the queue has copied the device's.
    std::unique_ptr<backend::DeviceEvent> arrived, taken;
    State state = State::free;
    FeedTag tag;
  };
  Slot& begin_fill();
  void set_state(Slot& slot, State state);
  void drop_full();

  std::shared_ptr<backend::DeviceQueue> queue_;
  const std::int64_t bytes_;
  std::mutex mutex_;  // guards the slots' states and tags, and the two numbers
  std::vector<Slot> slots_;
  std::size_t to_fill_ = 0, to_take_ = 0;
  std::unique_ptr<backend::DeviceLane> lane_;  // last: it ends its copies before their memory goes
};

}  // namespace gyrus::runtime
