#include "tests/runtime/pretended_device.h"

#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "backend/no_device_memory.h"
#include "core/aligned_buffer.h"
#include "core/error.h"

namespace gyrus::tests {

class PretendedRecording final : public backend::Recording {
 public:
  PretendedRecording(PretendedQueue& queue, std::function<void()> enqueue)
      : queue_(queue), enqueue_(std::move(enqueue)) {}
  void launch() override {
    ++queue_.launches_;
    enqueue_();
  }

 private:
  PretendedQueue& queue_;
  std::function<void()> enqueue_;
};

namespace {

class HostGuard final : public backend::Kernel {
 public:
  HostGuard(PretendedMemory& memory, std::span<const float* const> losses, backend::Hyper* hyper)
      : memory_(memory), losses_(losses.begin(), losses.end()), hyper_(hyper) {}
  void bind(const backend::KernelArgs&) override {}
  void run() override {
    const PretendedMemory::Access access(memory_);
    hyper_->may_update = 1;
    for (const float* loss : losses_) {
      if (!std::isfinite(*loss)) hyper_->may_update = 0;
    }
  }

 private:
  PretendedMemory& memory_;
  std::vector<const float*> losses_;
  backend::Hyper* hyper_;
};

class DeviceKernel final : public backend::Kernel {
 public:
  DeviceKernel(std::shared_ptr<PretendedQueue> queue, std::unique_ptr<backend::Kernel> kernel)
      : queue_(std::move(queue)), kernel_(std::move(kernel)) {}
  std::int64_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void bind(const backend::KernelArgs& args) override { kernel_->bind(args); }
  void run() override {
    const PretendedMemory::Access access(queue_->memory());
    kernel_->run();
  }

 private:
  std::shared_ptr<PretendedQueue> queue_;
  std::unique_ptr<backend::Kernel> kernel_;
};

}  // namespace

std::shared_ptr<void> PretendedMemory::allocate(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  void* const block =
      mmap(nullptr, size, is_open_ ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  GYRUS_CHECK(block != MAP_FAILED, Code::out_of_memory, "no ", bytes, " bytes of pretended device memory");
  blocks_->emplace(block, size);
  return {block, [blocks = blocks_, size](void* freed) {
            blocks->erase(freed);
            (void)munmap(freed, size);
          }};
}

void PretendedMemory::protect(bool is_open) {
  if (is_open == is_open_) return;
  is_open_ = is_open;
  for (const auto& [block, size] : *blocks_) (void)mprotect(block, size, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

std::shared_ptr<void> PretendedQueue::allocate(std::int64_t bytes, MemoryKind kind) {
  if (kind == MemoryKind::device) {
    if (bytes > limit_ - *used_) throw backend::no_device_memory(bytes, limit_ - *used_, limit_);
    std::shared_ptr<void> device = memory_.allocate(bytes);
    *used_ += bytes;
    void* const data = device.get();
    return {data, [device = std::move(device), used = used_, bytes](void*) mutable {
              device.reset();
              *used -= bytes;
            }};
  }
  const auto block = std::make_shared<AlignedBuffer>(bytes);
  return {block, block->data()};
}

void PretendedQueue::copy_to_device(void* device, const void* host, std::int64_t bytes) {
  const PretendedMemory::Access access(memory_);
  std::memcpy(device, host, static_cast<std::size_t>(bytes));
}

void PretendedQueue::copy_to_host(void* host, const void* device, std::int64_t bytes) {
  const PretendedMemory::Access access(memory_);
  std::memcpy(host, device, static_cast<std::size_t>(bytes));
}

void PretendedQueue::fill_zero(void* device, std::int64_t bytes) {
  const PretendedMemory::Access access(memory_);
  std::memset(device, 0, static_cast<std::size_t>(bytes));
}

std::unique_ptr<backend::Recording> PretendedQueue::record(const std::function<void()>& enqueue) {
  ++recordings_;
  return std::make_unique<PretendedRecording>(*this, enqueue);
}

std::unique_ptr<backend::Kernel> PretendedQueue::make_finite_guard(std::span<const float* const> losses,
                                                                   backend::Hyper* hyper) {
  return std::make_unique<HostGuard>(memory_, losses, hyper);
}

PretendedDevice::PretendedDevice(std::unique_ptr<backend::Backend> host, Fence fence)
    : host_(std::move(host)), queue_(std::make_shared<PretendedQueue>(fence)) {}

backend::LoweredGraph PretendedDevice::lower(const graph::Graph& graph) const {
  backend::LoweredGraph lowered = host_->lower(graph);
  for (backend::LoweredStep& step : lowered.steps) {
    step.kernel = std::make_unique<DeviceKernel>(queue_, std::move(step.kernel));
  }
  return lowered;
}

}  // namespace gyrus::tests
