// The parameter store's arenas on a device, and which side holds the newest numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>

#include "backend/device_queue.h"
#include "core/aligned_buffer.h"

namespace gyrus::runtime {

// parameters, buffers, gradients, their sums over micro-batches, two optimizer slots, momentum copies
using HostArenas = std::array<const AlignedBuffer*, 7>;

class DeviceMirror {
 public:
  // `arenas`: the host's, which must outlive the mirror and not be allocated anew. Their contents go to the device
  // before the next run.
  DeviceMirror(std::shared_ptr<backend::DeviceQueue> queue, const HostArenas& arenas);

  bool is_on(const backend::DeviceQueue& queue) const { return queue_.get() == &queue; }
  // The device's twin of a place in one of the arenas; nullptr for nullptr.
  void* twin(const void* host) const;
  backend::ArenaView twin(const backend::ArenaView& host) const;

  // Before a run, after one, and when the host wants to read. Copies only where the other side is newer.
  void bring_to_device();
  void note_device_change() { newest_ = Side::device; }
  void bring_to_host();
  void note_host_change() { newest_ = Side::host; }

 private:
  enum class Side : std::uint8_t { both, host, device };
  struct Arena {
    const AlignedBuffer* host;
    std::shared_ptr<void> device;
  };
  std::shared_ptr<backend::DeviceQueue> queue_;
  std::array<Arena, std::tuple_size_v<HostArenas>> arenas_;
  Side newest_ = Side::host;
};

}  // namespace gyrus::runtime
