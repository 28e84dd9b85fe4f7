#include "tests/runtime/pretended_device.h"

#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "backend/no_device_memory.h"
#include "core/aligned_buffer.h"
#include "core/dtype.h"
#include "core/error.h"
#include "imaging/augment/view.h"

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

struct PretendedEvent final : backend::DeviceEvent {
  explicit PretendedEvent(AccessOrder& of) : order(of) {}
  void synchronize() override { order.wait(AccessOrder::kHost, clock); }
  AccessOrder& order;
  AccessOrder::Clock clock;
};

AccessOrder::Clock& clock_of(backend::DeviceEvent& event) { return static_cast<PretendedEvent&>(event).clock; }

class PretendedLane final : public backend::DeviceLane {
 public:
  explicit PretendedLane(PretendedQueue& queue) : queue_(queue), line_(queue.order().add_line()) {}
  void copy_to_device(void* device, const void* host, std::int64_t bytes) override {
    queue_.order().access(line_, host, bytes, false);
    queue_.order().access(line_, device, bytes, true);
    const PretendedMemory::Access access(queue_.memory());
    std::memcpy(device, host, static_cast<std::size_t>(bytes));
  }
  void mark(backend::DeviceEvent& event) override { clock_of(event) = queue_.order().mark(line_); }
  void wait_for(backend::DeviceEvent& event) override { queue_.order().wait(line_, clock_of(event)); }

 private:
  PretendedQueue& queue_;
  std::size_t line_;
};

class HostAugment final : public backend::Kernel {
 public:
  explicit HostAugment(const backend::AugmentJob& job)
      : job_(job),
        maker_(static_cast<std::size_t>(job.source_size), static_cast<std::size_t>(job.size)),
        image_(static_cast<std::size_t>(job.size * job.size)) {}
  void bind(const backend::KernelArgs&) override {}
  void run() override {
    const auto slice = static_cast<std::size_t>(job_.source_size * job_.source_size);
    for (std::int64_t i = 0; i < job_.images; ++i) {
      maker_.make({job_.slices + static_cast<std::size_t>(i) * slice, slice}, job_.plans[i], {job_.mean, job_.std},
                  image_);
      const std::int64_t first = i * job_.size * job_.size * job_.channels;
      for (std::size_t at = 0; at < image_.size() * static_cast<std::size_t>(job_.channels); ++at) {
        const float value = image_[at / static_cast<std::size_t>(job_.channels)];
        const auto to = static_cast<std::size_t>(first) + at;
        if (job_.dtype == DType::bf16) {
          static_cast<bf16_t*>(job_.out)[to] = to_bf16(value);
        } else {
          static_cast<float*>(job_.out)[to] = value;
        }
      }
    }
  }

 private:
  backend::AugmentJob job_;
  imaging::ViewMaker maker_;
  std::vector<float> image_;
};

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
  DeviceKernel(PretendedQueue& queue, std::unique_ptr<backend::Kernel> kernel)
      : queue_(queue), kernel_(std::move(kernel)) {}
  std::int64_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void bind(const backend::KernelArgs& args) override {
    if (first_bytes_ > 0) reads_ = {{args.in.front(), first_bytes_}};
    kernel_->bind(args);
  }
  void run() override {
    for (const auto& [memory, bytes] : reads_) queue_.order().access(AccessOrder::kQueue, memory, bytes, false);
    const PretendedMemory::Access access(queue_.memory());
    kernel_->run();
  }
  // Memory that a lane may write: who reads it must not do so in no fixed order.
  void note_read(const void* memory, std::int64_t bytes) { reads_.emplace_back(memory, bytes); }
  // The first operand, wherever it is.
  void note_first_read(std::int64_t bytes) { first_bytes_ = bytes; }

 private:
  PretendedQueue& queue_;
  std::unique_ptr<backend::Kernel> kernel_;
  std::vector<std::pair<const void*, std::int64_t>> reads_;
  std::int64_t first_bytes_ = 0;
};

}  // namespace

std::shared_ptr<void> PretendedMemory::allocate(std::int64_t bytes) {
  const std::lock_guard lock(blocks_->mutex);
  const auto size = static_cast<std::size_t>(bytes);
  void* const block =
      mmap(nullptr, size, is_open_ ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  GYRUS_CHECK(block != MAP_FAILED, Code::out_of_memory, "no ", bytes, " bytes of pretended device memory");
  blocks_->sizes.emplace(block, size);
  return {block, [blocks = blocks_, size](void* freed) {
            const std::lock_guard held(blocks->mutex);
            blocks->sizes.erase(freed);
            (void)munmap(freed, size);
          }};
}

void PretendedMemory::close() {
  const std::lock_guard lock(blocks_->mutex);
  if (at_work_ == 0) protect(false);
}

void PretendedMemory::begin() {
  const std::lock_guard lock(blocks_->mutex);
  ++at_work_;
  protect(true);
}

void PretendedMemory::end() {
  const std::lock_guard lock(blocks_->mutex);
  if (--at_work_ == 0 && fence_ == Fence::each_kernel) protect(false);
}

void PretendedMemory::protect(bool is_open) {
  if (is_open == is_open_) return;
  is_open_ = is_open;
  const int access = is_open ? PROT_READ | PROT_WRITE : PROT_NONE;
  for (const auto& [block, size] : blocks_->sizes) (void)mprotect(block, size, access);
}

std::shared_ptr<void> PretendedQueue::allocate(std::int64_t bytes, MemoryKind kind) {
  if (kind == MemoryKind::device) {
    if (bytes > limit_ - *used_) throw backend::no_device_memory(bytes, limit_ - *used_, limit_);
    std::shared_ptr<void> device = memory_.allocate(bytes);
    *used_ += bytes;
    void* const data = device.get();
    order_.forget(data, bytes);
    return {data, [device = std::move(device), used = used_, bytes](void*) mutable {
              device.reset();
              *used -= bytes;
            }};
  }
  const auto block = std::make_shared<AlignedBuffer>(bytes);
  order_.forget(block->data(), bytes);
  return {block, block->data()};
}

void PretendedQueue::copy_to_device(void* device, const void* host, std::int64_t bytes) {
  order_.access(AccessOrder::kQueue, host, bytes, false);
  order_.access(AccessOrder::kQueue, device, bytes, true);
  const PretendedMemory::Access access(memory_);
  std::memcpy(device, host, static_cast<std::size_t>(bytes));
}

void PretendedQueue::copy_to_host(void* host, const void* device, std::int64_t bytes) {
  order_.access(AccessOrder::kQueue, device, bytes, false);
  order_.access(AccessOrder::kQueue, host, bytes, true);
  const PretendedMemory::Access access(memory_);
  std::memcpy(host, device, static_cast<std::size_t>(bytes));
}

void PretendedQueue::copy_on_device(void* to, const void* from, std::int64_t bytes) {
  ++copies_on_device_;
  order_.access(AccessOrder::kQueue, from, bytes, false);
  order_.access(AccessOrder::kQueue, to, bytes, true);
  const PretendedMemory::Access access(memory_);
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

void PretendedQueue::fill_zero(void* device, std::int64_t bytes) {
  const PretendedMemory::Access access(memory_);
  std::memset(device, 0, static_cast<std::size_t>(bytes));
}

void PretendedQueue::mark(backend::DeviceEvent& event) { clock_of(event) = order_.mark(AccessOrder::kQueue); }

void PretendedQueue::wait_for(backend::DeviceEvent& event) { order_.wait(AccessOrder::kQueue, clock_of(event)); }

void PretendedQueue::synchronize() {
  order_.wait(AccessOrder::kHost, order_.mark(AccessOrder::kQueue));
  memory_.close();
}

std::unique_ptr<backend::DeviceLane> PretendedQueue::make_lane() { return std::make_unique<PretendedLane>(*this); }

std::unique_ptr<backend::DeviceEvent> PretendedQueue::make_event() { return std::make_unique<PretendedEvent>(order_); }

std::unique_ptr<backend::Recording> PretendedQueue::record(const std::function<void()>& enqueue) {
  ++recordings_;
  return std::make_unique<PretendedRecording>(*this, enqueue);
}

std::unique_ptr<backend::Kernel> PretendedQueue::make_finite_guard(std::span<const float* const> losses,
                                                                   backend::Hyper* hyper) {
  return std::make_unique<HostGuard>(memory_, losses, hyper);
}

std::unique_ptr<backend::Kernel> PretendedQueue::make_augment(const backend::AugmentJob& job) {
  auto kernel = std::make_unique<DeviceKernel>(*this, make_augment_(job));
  const std::int64_t pixels = job.images * job.source_size * job.source_size;
  kernel->note_read(job.slices, pixels * static_cast<std::int64_t>(sizeof(std::uint16_t)));
  kernel->note_read(job.plans, job.images * static_cast<std::int64_t>(sizeof(math::ViewPlan)));
  return kernel;
}

std::unique_ptr<backend::Kernel> make_host_augment(const backend::AugmentJob& job) {
  return std::make_unique<HostAugment>(job);
}

PretendedDevice::PretendedDevice(std::unique_ptr<backend::Backend> host, Fence fence, MakeAugment augment)
    : host_(std::move(host)), queue_(std::make_shared<PretendedQueue>(fence, augment)) {}

backend::LoweredGraph PretendedDevice::lower(const graph::Graph& graph) const {
  backend::LoweredGraph lowered = host_->lower(graph);
  for (backend::LoweredStep& step : lowered.steps) {
    auto kernel = std::make_unique<DeviceKernel>(*queue_, std::move(step.kernel));
    if (step.kind == graph::OpKind::to_channels_last) {
      kernel->note_first_read(lowered.values[static_cast<std::size_t>(step.reads.front())].bytes);
    }
    step.kernel = std::move(kernel);
  }
  return lowered;
}

}  // namespace gyrus::tests
