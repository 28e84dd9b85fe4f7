// Streams beside the queue's, and events between streams.
#pragma once

#include <cuda_runtime_api.h>

#include "backend/cuda/kernels/stream.h"
#include "backend/device_queue.h"

namespace gyrus::backend::cuda {

class CudaEvent final : public DeviceEvent {
 public:
  CudaEvent();
  ~CudaEvent() override;
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  void synchronize() override;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// What DeviceLane::mark() and wait_for() do, of a CudaEvent.
void mark_event(DeviceEvent& event, Stream stream);
void wait_for_event(DeviceEvent& event, Stream stream);

class CudaLane final : public DeviceLane {
 public:
  CudaLane();
  ~CudaLane() override;
  CudaLane(const CudaLane&) = delete;
  CudaLane& operator=(const CudaLane&) = delete;
  void copy_to_device(void* device, const void* host, std::int64_t bytes) override;
  void mark(DeviceEvent& event) override { mark_event(event, stream_); }
  void wait_for(DeviceEvent& event) override { wait_for_event(event, stream_); }

 private:
  Stream stream_ = nullptr;
};

}  // namespace gyrus::backend::cuda
