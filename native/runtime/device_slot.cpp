#include "runtime/device_slot.h"

namespace gyrus::runtime {

DeviceSlot::DeviceSlot(backend::DeviceQueue& queue, std::int64_t bytes)
    : bytes_(bytes),
      pinned_(queue.allocate(bytes, MemoryKind::pinned)),
      device_(queue.allocate(bytes, MemoryKind::device)),
      arrived_(queue.make_event()),
      taken_(queue.make_event()) {}

void DeviceSlot::fill(backend::DeviceLane& lane, const std::function<void(std::byte*)>& write) {
  arrived_->synchronize();
  write(static_cast<std::byte*>(pinned_.get()));
  lane.wait_for(*taken_);
  lane.copy_to_device(device_.get(), pinned_.get(), bytes_);
  lane.mark(*arrived_);
}

}  // namespace gyrus::runtime
