#include "backend/cuda/cuda_queue.h"

#include <algorithm>

#include "backend/cuda/augment_views.h"
#include "backend/cuda/cuda_check.h"
#include "backend/cuda/cuda_lane.h"
#include "backend/cuda/kernels/finite_guard.h"
#include "backend/no_device_memory.h"
#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

std::shared_ptr<void> allocate_device(std::int64_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, static_cast<std::size_t>(bytes));
  if (status == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    std::size_t free_bytes = 0, all_bytes = 0;
    GYRUS_CUDA(cudaMemGetInfo(&free_bytes, &all_bytes));
    throw no_device_memory(bytes, static_cast<std::int64_t>(free_bytes), static_cast<std::int64_t>(all_bytes));
  }
  check_cuda(status, "cudaMalloc(&memory, bytes)");
  count_memory(MemoryKind::device, bytes);
  return {memory, [bytes](void* freed) {
            (void)cudaFree(freed);
            count_memory(MemoryKind::device, -bytes);
          }};
}

std::shared_ptr<void> allocate_pinned(std::int64_t bytes) {
  void* memory = nullptr;
  GYRUS_CUDA(cudaMallocHost(&memory, static_cast<std::size_t>(bytes)));
  count_memory(MemoryKind::pinned, bytes);
  return {memory, [bytes](void* freed) {
            (void)cudaFreeHost(freed);
            count_memory(MemoryKind::pinned, -bytes);
          }};
}

class CudaRecording final : public Recording {
 public:
  CudaRecording(cudaGraphExec_t graph, Stream stream) : graph_(graph), stream_(stream) {}
  ~CudaRecording() override { (void)cudaGraphExecDestroy(graph_); }
  CudaRecording(const CudaRecording&) = delete;
  CudaRecording& operator=(const CudaRecording&) = delete;
  void launch() override { GYRUS_CUDA(cudaGraphLaunch(graph_, stream_)); }

 private:
  cudaGraphExec_t graph_;
  Stream stream_;
};

class FiniteGuard final : public Kernel {
 public:
  FiniteGuard(Stream stream, const FiniteGuardArgs& args) : stream_(stream), args_(args) {}
  void bind(const KernelArgs&) override {}
  void run() override { finite_guard(stream_, args_); }

 private:
  Stream stream_;
  FiniteGuardArgs args_;
};

// What a capture left, destroyed when the instance was made or could not be.
struct CapturedGraph {
  cudaGraph_t graph = nullptr;
  CapturedGraph() = default;
  ~CapturedGraph() {
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
  }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;
};

class Event {
 public:
  Event() { GYRUS_CUDA(cudaEventCreate(&event_)); }
  ~Event() { (void)cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

CudaQueue::CudaQueue() { GYRUS_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }

CudaQueue::~CudaQueue() {
  (void)cudaStreamSynchronize(stream_);
  (void)cudaStreamDestroy(stream_);
}

std::shared_ptr<void> CudaQueue::allocate(std::int64_t bytes, MemoryKind kind) {
  GYRUS_ASSERT(kind != MemoryKind::host);
  const std::int64_t at_least = std::max<std::int64_t>(bytes, 1);
  return kind == MemoryKind::device ? allocate_device(at_least) : allocate_pinned(at_least);
}

void CudaQueue::copy_to_device(void* device, const void* host, std::int64_t bytes) {
  GYRUS_CUDA(cudaMemcpyAsync(device, host, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream_));
}

void CudaQueue::copy_to_host(void* host, const void* device, std::int64_t bytes) {
  GYRUS_CUDA(cudaMemcpyAsync(host, device, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream_));
}

void CudaQueue::copy_on_device(void* to, const void* from, std::int64_t bytes) {
  GYRUS_CUDA(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream_));
}

void CudaQueue::fill_zero(void* device, std::int64_t bytes) {
  GYRUS_CUDA(cudaMemsetAsync(device, 0, static_cast<std::size_t>(bytes), stream_));
}

void CudaQueue::mark(DeviceEvent& event) { mark_event(event, stream_); }

void CudaQueue::wait_for(DeviceEvent& event) { wait_for_event(event, stream_); }

std::unique_ptr<DeviceLane> CudaQueue::make_lane() { return std::make_unique<CudaLane>(); }

std::unique_ptr<DeviceEvent> CudaQueue::make_event() { return std::make_unique<CudaEvent>(); }

std::unique_ptr<Kernel> CudaQueue::make_augment(const AugmentJob& job) {
  return std::make_unique<AugmentViews>(*this, job);
}

void CudaQueue::synchronize() { GYRUS_CUDA(cudaStreamSynchronize(stream_)); }

std::unique_ptr<Recording> CudaQueue::record(const std::function<void()>& enqueue) {
  CapturedGraph captured;
  // Relaxed: other threads of the process may allocate meanwhile; this one only enqueues.
  GYRUS_CUDA(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed));
  try {
    enqueue();
  } catch (...) {
    (void)cudaStreamEndCapture(stream_, &captured.graph);
    (void)cudaGetLastError();
    throw;
  }
  GYRUS_CUDA(cudaStreamEndCapture(stream_, &captured.graph));
  cudaGraphExec_t instance = nullptr;
  GYRUS_CUDA(cudaGraphInstantiate(&instance, captured.graph, 0));
  return std::make_unique<CudaRecording>(instance, stream_);
}

std::unique_ptr<Kernel> CudaQueue::make_finite_guard(std::span<const float* const> losses, Hyper* hyper) {
  GYRUS_CHECK(losses.size() <= kMostLosses, Code::internal, "at most ", kMostLosses, " losses can be guarded, not ",
              losses.size());
  FiniteGuardArgs args;
  std::copy(losses.begin(), losses.end(), args.losses);
  args.count = static_cast<int>(losses.size());
  args.hyper = hyper;
  return std::make_unique<FiniteGuard>(stream_, args);
}

double CudaQueue::seconds(const std::function<void()>& enqueue) {
  const Event start, end;
  GYRUS_CUDA(cudaEventRecord(start.get(), stream_));
  enqueue();
  GYRUS_CUDA(cudaEventRecord(end.get(), stream_));
  GYRUS_CUDA(cudaEventSynchronize(end.get()));
  float ms = 0;
  GYRUS_CUDA(cudaEventElapsedTime(&ms, start.get(), end.get()));
  return static_cast<double>(ms) / 1000;
}

}  // namespace gyrus::backend::cuda
