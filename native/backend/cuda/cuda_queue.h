// The memory and the one stream of a backend on one GPU.
#pragma once

#include "backend/cuda/kernels/stream.h"
#include "backend/device_queue.h"

namespace gyrus::backend::cuda {

class CudaQueue final : public DeviceQueue {
 public:
  CudaQueue();
  ~CudaQueue() override;
  CudaQueue(const CudaQueue&) = delete;
  CudaQueue& operator=(const CudaQueue&) = delete;

  Stream stream() const { return stream_; }

  std::shared_ptr<void> allocate(std::int64_t bytes, MemoryKind kind) override;
  void copy_to_device(void* device, const void* host, std::int64_t bytes) override;
  void copy_to_host(void* host, const void* device, std::int64_t bytes) override;
  void copy_on_device(void* to, const void* from, std::int64_t bytes) override;
  void fill_zero(void* device, std::int64_t bytes) override;
  void mark(DeviceEvent& event) override;
  void wait_for(DeviceEvent& event) override;
  void synchronize() override;
  std::unique_ptr<Recording> record(const std::function<void()>& enqueue) override;
  std::unique_ptr<DeviceLane> make_lane() override;
  std::unique_ptr<DeviceEvent> make_event() override;
  std::unique_ptr<Kernel> make_augment(const AugmentJob& job) override;
  std::unique_ptr<Kernel> make_finite_guard(std::span<const float* const> losses, Hyper* hyper) override;

  // How long the device takes for what `enqueue` enqueues. Waits for its end.
  double seconds(const std::function<void()>& enqueue);

 private:
  Stream stream_ = nullptr;
};

}  // namespace gyrus::backend::cuda
