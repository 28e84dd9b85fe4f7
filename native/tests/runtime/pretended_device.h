// A device on the host: memory that is not the Program's own, a queue whose recordings run when they are launched, and
// the CUDA backend's own kernels on the emulator. What a Program does with a device runs here without one.
#pragma once

#include <memory>
#include <vector>

#include "backend/device_queue.h"

namespace gyrus::tests {

class PretendedQueue final : public backend::DeviceQueue {
 public:
  std::shared_ptr<void> allocate(std::int64_t bytes, MemoryKind kind) override;
  void copy_to_device(void* device, const void* host, std::int64_t bytes) override;
  void copy_to_host(void* host, const void* device, std::int64_t bytes) override;
  void fill_zero(void* device, std::int64_t bytes) override;
  void synchronize() override {}
  std::unique_ptr<backend::Recording> record(const std::function<void()>& enqueue) override;
  std::unique_ptr<backend::Kernel> make_finite_guard(std::span<const float* const> losses,
                                                     backend::Hyper* hyper) override;

  int recordings() const { return recordings_; }
  int launches() const { return launches_; }

 private:
  friend class PretendedRecording;
  int recordings_ = 0, launches_ = 0;
};

class PretendedDevice final : public backend::Backend {
 public:
  PretendedDevice();
  backend::Capabilities describe() const override { return host_->describe(); }
  std::shared_ptr<backend::DeviceQueue> queue() const override { return queue_; }
  backend::LoweredGraph lower(const graph::Graph& graph) const override;
  const PretendedQueue& pretended_queue() const { return *queue_; }

 private:
  std::unique_ptr<backend::Backend> host_;
  std::shared_ptr<PretendedQueue> queue_;
};

}  // namespace gyrus::tests
