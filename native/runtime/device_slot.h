// One batch's place on the way to a device: pinned memory that the host writes, and its twin on the device, which the
// queue's kernels read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "backend/device_queue.h"

namespace gyrus::runtime {

// Two events keep writing and reading apart:
//   - the host writes the pinned memory when the upload of what it held has ended (the host waits for an event);
//   - the upload begins when the queue has read the twin (the lane waits for one);
//   - the queue reads the twin when the upload has ended (the queue waits for one).
class DeviceSlot {
 public:
  DeviceSlot(backend::DeviceQueue& queue, std::int64_t bytes);

  // One thread at a time, and not between begin_read() and end_read(). Calls write(pinned memory), then starts the
  // upload in `lane`.
  void fill(backend::DeviceLane& lane, const std::function<void(std::byte*)>& write);

  // The queue's thread: what is enqueued between the two may read the twin.
  void begin_read(backend::DeviceQueue& queue) { queue.wait_for(*arrived_); }
  void end_read(backend::DeviceQueue& queue) { queue.mark(*taken_); }
  std::byte* device() const { return static_cast<std::byte*>(device_.get()); }

 private:
  std::int64_t bytes_;
  std::shared_ptr<void> pinned_, device_;
  // `arrived`: the upload has read the one and written the other. `taken`: the queue has read the device's.
  std::unique_ptr<backend::DeviceEvent> arrived_, taken_;
};

}  // namespace gyrus::runtime
