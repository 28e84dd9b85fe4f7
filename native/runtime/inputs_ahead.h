// Images of a later run on their way to a device while the run before computes. Where they arrive, the later run reads
// them: nothing is copied on the device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backend/device_queue.h"
#include "runtime/device_slot.h"

namespace gyrus::runtime {

// Two slots: one that the run under way reads, one that is filled meanwhile. Used from the queue's thread alone.
// Programs whose images have the same sizes may share one.
class InputsAhead {
 public:
  static constexpr std::size_t kSlots = 2;

  // `bytes`: of each image input of a run. Memory is taken when something is sent for the first time.
  InputsAhead(std::shared_ptr<backend::DeviceQueue> queue, std::vector<std::int64_t> bytes);

  // Copies them to pinned memory and sends them on their way. The number that comes back is what take() wants; what
  // was sent before and not taken is dropped. Throws Code::out_of_memory.
  std::uint64_t send(std::span<const void* const> inputs);

  // The slot that holds just this, held until release(); nothing where a later one has taken its place.
  std::optional<std::size_t> take(std::uint64_t number);
  void release();
  void* device(std::size_t slot, std::size_t input) const { return slots_.at(slot)->device() + offsets_.at(input); }

 private:
  std::shared_ptr<backend::DeviceQueue> queue_;
  std::vector<std::int64_t> bytes_, offsets_;
  std::array<std::optional<DeviceSlot>, kSlots> slots_;
  std::array<std::uint64_t, kSlots> numbers_{};  // 0: there is nothing to take
  std::uint64_t last_ = 0;
  std::optional<std::size_t> held_;
  std::unique_ptr<backend::DeviceLane> lane_;  // last: it ends its copies before their memory goes
};

}  // namespace gyrus::runtime
