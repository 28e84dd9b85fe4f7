// A device on the host: memory that only its kernels and copies can touch, a queue whose recordings run when they are
// launched, and another backend's kernels. What Programs and sessions do with a device runs here without one; whoever
// reads or writes the device's memory from outside ends the process with a segmentation fault, and copies of two lines
// that touch the same memory in no fixed order are an error (access_order.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/device_queue.h"
#include "tests/runtime/access_order.h"

namespace gyrus::tests {

// When the device's memory is out of the host's reach: outside of every kernel and copy, or, for large programs (to
// turn many pages takes milliseconds), outside of every run: from synchronize() to the next kernel or copy.
enum class Fence : std::uint8_t { each_kernel, each_run };

// Thread-safe, as kernels and a lane's copies may be at work at once.
class PretendedMemory {
 public:
  explicit PretendedMemory(Fence fence) : fence_(fence) {}
  std::shared_ptr<void> allocate(std::int64_t bytes);
  // Unless a kernel or a copy is at work.
  void close();

  // A kernel or a copy at work.
  class Access {
   public:
    explicit Access(PretendedMemory& memory) : memory_(memory) { memory_.begin(); }
    ~Access() { memory_.end(); }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

   private:
    PretendedMemory& memory_;
  };

 private:
  struct Blocks {
    std::mutex mutex;  // of all that a PretendedMemory has
    std::map<void*, std::size_t> sizes;
  };
  void begin();
  void end();
  void protect(bool is_open);
  Fence fence_;
  bool is_open_ = false;
  int at_work_ = 0;
  std::shared_ptr<Blocks> blocks_ = std::make_shared<Blocks>();
};

// Makes the kernel of DeviceQueue::make_augment(); what it reads and writes is open to it while it runs.
using MakeAugment = std::unique_ptr<backend::Kernel> (*)(const backend::AugmentJob& job);
// The CPU's views, to the last bit.
std::unique_ptr<backend::Kernel> make_host_augment(const backend::AugmentJob& job);

class PretendedQueue final : public backend::DeviceQueue {
 public:
  explicit PretendedQueue(Fence fence, MakeAugment augment = make_host_augment)
      : memory_(fence), make_augment_(augment) {}
  std::shared_ptr<void> allocate(std::int64_t bytes, MemoryKind kind) override;
  void copy_to_device(void* device, const void* host, std::int64_t bytes) override;
  void copy_to_host(void* host, const void* device, std::int64_t bytes) override;
  void copy_on_device(void* to, const void* from, std::int64_t bytes) override;
  void fill_zero(void* device, std::int64_t bytes) override;
  void mark(backend::DeviceEvent& event) override;
  void wait_for(backend::DeviceEvent& event) override;
  void synchronize() override;
  std::unique_ptr<backend::Recording> record(const std::function<void()>& enqueue) override;
  std::unique_ptr<backend::DeviceLane> make_lane() override;
  std::unique_ptr<backend::DeviceEvent> make_event() override;
  std::unique_ptr<backend::Kernel> make_finite_guard(std::span<const float* const> losses,
                                                     backend::Hyper* hyper) override;
  std::unique_ptr<backend::Kernel> make_augment(const backend::AugmentJob& job) override;

  PretendedMemory& memory() { return memory_; }
  AccessOrder& order() { return order_; }
  int recordings() const { return recordings_; }
  int launches() const { return launches_; }
  int copies_on_device() const { return copies_on_device_; }
  // As much device memory as there is: beyond it, allocate() throws what a GPU's queue does.
  void set_limit(std::int64_t bytes) { limit_ = bytes; }
  std::int64_t used() const { return *used_; }

 private:
  friend class PretendedRecording;
  PretendedMemory memory_;
  AccessOrder order_;
  MakeAugment make_augment_;
  int recordings_ = 0, launches_ = 0, copies_on_device_ = 0;
  std::int64_t limit_ = std::numeric_limits<std::int64_t>::max();
  std::shared_ptr<std::atomic<std::int64_t>> used_ = std::make_shared<std::atomic<std::int64_t>>(0);
};

class PretendedDevice final : public backend::Backend {
 public:
  // Computes with the kernels of `host`, which work in the host's memory.
  explicit PretendedDevice(std::unique_ptr<backend::Backend> host, Fence fence = Fence::each_kernel,
                           MakeAugment augment = make_host_augment);
  backend::Capabilities describe() const override { return host_->describe(); }
  std::shared_ptr<backend::DeviceQueue> queue() const override { return queue_; }
  backend::LoweredGraph lower(const graph::Graph& graph) const override;
  PretendedQueue& pretended_queue() const { return *queue_; }

 private:
  std::unique_ptr<backend::Backend> host_;
  std::shared_ptr<PretendedQueue> queue_;
};

}  // namespace gyrus::tests
