// How long the device takes for what is enqueued, by events on the stream.
#pragma once

#include <cuda_runtime_api.h>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/kernels/stream.h"

namespace gyrus::backend::cuda {

class CudaTimer {
 public:
  explicit CudaTimer(Stream stream) : stream_(stream) {
    GYRUS_CUDA(cudaEventCreate(&start_));
    GYRUS_CUDA(cudaEventCreate(&end_));
  }
  ~CudaTimer() {
    (void)cudaEventDestroy(start_);
    if (end_ != nullptr) (void)cudaEventDestroy(end_);
  }
  CudaTimer(const CudaTimer&) = delete;
  CudaTimer& operator=(const CudaTimer&) = delete;

  // Waits for the end.
  template <class Enqueue>
  double seconds(const Enqueue& enqueue) {
    GYRUS_CUDA(cudaEventRecord(start_, stream_));
    enqueue();
    GYRUS_CUDA(cudaEventRecord(end_, stream_));
    GYRUS_CUDA(cudaEventSynchronize(end_));
    float ms = 0;
    GYRUS_CUDA(cudaEventElapsedTime(&ms, start_, end_));
    return static_cast<double>(ms) / 1000;
  }

 private:
  Stream stream_;
  cudaEvent_t start_ = nullptr, end_ = nullptr;
};

}  // namespace gyrus::backend::cuda
