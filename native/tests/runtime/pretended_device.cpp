#include "tests/runtime/pretended_device.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "core/aligned_buffer.h"
#include "tests/cuda/emulated_backend.h"

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
  HostGuard(std::span<const float* const> losses, backend::Hyper* hyper)
      : losses_(losses.begin(), losses.end()), hyper_(hyper) {}
  void bind(const backend::KernelArgs&) override {}
  void run() override {
    hyper_->may_update = 1;
    for (const float* loss : losses_) {
      if (!std::isfinite(*loss)) hyper_->may_update = 0;
    }
  }

 private:
  std::vector<const float*> losses_;
  backend::Hyper* hyper_;
};

}  // namespace

std::shared_ptr<void> PretendedQueue::allocate(std::int64_t bytes, MemoryKind) {
  const auto block = std::make_shared<AlignedBuffer>(bytes);
  return {block, block->data()};
}

void PretendedQueue::copy_to_device(void* device, const void* host, std::int64_t bytes) {
  std::memcpy(device, host, static_cast<std::size_t>(bytes));
}

void PretendedQueue::copy_to_host(void* host, const void* device, std::int64_t bytes) {
  std::memcpy(host, device, static_cast<std::size_t>(bytes));
}

void PretendedQueue::fill_zero(void* device, std::int64_t bytes) {
  std::memset(device, 0, static_cast<std::size_t>(bytes));
}

std::unique_ptr<backend::Recording> PretendedQueue::record(const std::function<void()>& enqueue) {
  ++recordings_;
  return std::make_unique<PretendedRecording>(*this, enqueue);
}

std::unique_ptr<backend::Kernel> PretendedQueue::make_finite_guard(std::span<const float* const> losses,
                                                                   backend::Hyper* hyper) {
  return std::make_unique<HostGuard>(losses, hyper);
}

PretendedDevice::PretendedDevice() : host_(make_emulated_backend()), queue_(std::make_shared<PretendedQueue>()) {}

backend::LoweredGraph PretendedDevice::lower(const graph::Graph& graph) const { return host_->lower(graph); }

}  // namespace gyrus::tests
