// What a Program needs of a device whose memory the host cannot read: memory, copies, and a queue of work that can be
// recorded once and replayed. Who implements it: cuda/, and a pretended device in the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "backend/backend.h"
#include "core/memory_stats.h"

namespace gyrus::backend {

// Work that was recorded: launch() puts all of it into the queue at once.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void launch() = 0;
};

// Everything but allocate() and synchronize() only enqueues, and happens in the order of the calls. Used from one
// thread at a time.
class DeviceQueue {
 public:
  virtual ~DeviceQueue() = default;

  // `kind`: device, or pinned for host memory that copies run from and to while the host goes on. 256-byte aligned,
  // counted, freed with the last copy of the pointer. Throws Code::out_of_memory with what was needed and what was
  // there; the device stays usable.
  virtual std::shared_ptr<void> allocate(std::int64_t bytes, MemoryKind kind) = 0;

  // Host memory that is not pinned must stay untouched until the next synchronize().
  virtual void copy_to_device(void* device, const void* host, std::int64_t bytes) = 0;
  virtual void copy_to_host(void* host, const void* device, std::int64_t bytes) = 0;
  virtual void fill_zero(void* device, std::int64_t bytes) = 0;

  // Waits for everything enqueued. Throws Code::internal for what failed since the last time; the device cannot be used
  // after that.
  virtual void synchronize() = 0;

  // `enqueue` only enqueues, between pinned and device memory.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& enqueue) = 0;

  // Sets hyper->may_update to whether all losses ([1] f32) are finite. All pointers are the device's.
  virtual std::unique_ptr<Kernel> make_finite_guard(std::span<const float* const> losses, Hyper* hyper) = 0;
};

}  // namespace gyrus::backend
