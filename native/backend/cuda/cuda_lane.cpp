#include "backend/cuda/cuda_lane.h"

#include "backend/cuda/cuda_check.h"

namespace gyrus::backend::cuda {

// Whoever waits for one sleeps: it is a loader's thread, and others have work for the core.
CudaEvent::CudaEvent() {
  GYRUS_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming | cudaEventBlockingSync));
}

CudaEvent::~CudaEvent() { (void)cudaEventDestroy(event_); }

void CudaEvent::synchronize() { GYRUS_CUDA(cudaEventSynchronize(event_)); }

void mark_event(DeviceEvent& event, Stream stream) {
  GYRUS_CUDA(cudaEventRecord(static_cast<CudaEvent&>(event).get(), stream));
}

void wait_for_event(DeviceEvent& event, Stream stream) {
  GYRUS_CUDA(cudaStreamWaitEvent(stream, static_cast<CudaEvent&>(event).get(), 0));
}

CudaLane::CudaLane() { GYRUS_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }

CudaLane::~CudaLane() {
  (void)cudaStreamSynchronize(stream_);
  (void)cudaStreamDestroy(stream_);
}

void CudaLane::copy_to_device(void* device, const void* host, std::int64_t bytes) {
  GYRUS_CUDA(cudaMemcpyAsync(device, host, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream_));
}

}  // namespace gyrus::backend::cuda
