// What a Program needs of a device whose memory the host cannot read: memory, copies, and a queue of work that can be
// recorded once and replayed. Who implements it: cuda/, and a pretended device in the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "backend/backend.h"
#include "core/memory_stats.h"
#include "math/view_plan.h"

namespace gyrus::backend {

// A point in a line of work, for which another line or the host can wait.
class DeviceEvent {
 public:
  virtual ~DeviceEvent() = default;
  // Blocks until what it was marked with last is done; not at all where it never was. Any thread.
  virtual void synchronize() = 0;
};

// A line of work: calls only enqueue, and what they enqueue happens in their order. Used from one thread at a time.
class DeviceLane {
 public:
  virtual ~DeviceLane() = default;
  // Host memory that is not pinned must stay untouched until the queue's next synchronize().
  virtual void copy_to_device(void* device, const void* host, std::int64_t bytes) = 0;
  // The event is now this point: all that was enqueued here so far.
  virtual void mark(DeviceEvent& event) = 0;
  // What is enqueued here from now on waits for the point that `event` was marked with before this call.
  virtual void wait_for(DeviceEvent& event) = 0;
};

// One augmented view of each of a batch of 16-bit slices, as a network reads it. All pointers are the device's.
struct AugmentJob {
  const std::uint16_t* slices = nullptr;  // [images, source_size, source_size]
  const math::ViewPlan* plans = nullptr;  // [images]: what imaging::plan_view() drew
  void* out = nullptr;                    // [images, size, size, channels], channels alike
  DType dtype = DType::f32;               // of `out`: f32 or bf16
  std::int64_t images = 0, channels = 1, source_size = 0, size = 0;
  float mean = 0, std = 1;  // values between 0 and 1 are moved and scaled by these at the end
};

// Work that was recorded: launch() puts all of it into the queue at once.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void launch() = 0;
};

// The line that kernels run in. Everything but allocate(), synchronize() and the makers only enqueues.
class DeviceQueue : public DeviceLane {
 public:
  // `kind`: device, or pinned for host memory that copies run from and to while the host goes on. 256-byte aligned,
  // counted, freed with the last copy of the pointer. Throws Code::out_of_memory with what was needed and what was
  // there; the device stays usable.
  virtual std::shared_ptr<void> allocate(std::int64_t bytes, MemoryKind kind) = 0;

  virtual void copy_to_host(void* host, const void* device, std::int64_t bytes) = 0;
  virtual void copy_on_device(void* to, const void* from, std::int64_t bytes) = 0;
  virtual void fill_zero(void* device, std::int64_t bytes) = 0;

  // Waits for everything enqueued. Throws Code::internal for what failed since the last time; the device cannot be used
  // after that.
  virtual void synchronize() = 0;

  // `enqueue` only enqueues, between pinned and device memory.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& enqueue) = 0;

  // A line beside the queue, for copies that run while its kernels do; it may be used from another thread.
  virtual std::unique_ptr<DeviceLane> make_lane() = 0;
  virtual std::unique_ptr<DeviceEvent> make_event() = 0;

  // Sets hyper->may_update to whether all losses ([1] f32) are finite. All pointers are the device's.
  virtual std::unique_ptr<Kernel> make_finite_guard(std::span<const float* const> losses, Hyper* hyper) = 0;
  // Its run() makes the views, from what `slices` and `plans` hold by then; bind() gives it its scratch memory, and
  // nothing else.
  virtual std::unique_ptr<Kernel> make_augment(const AugmentJob& job) = 0;
};

}  // namespace gyrus::backend
