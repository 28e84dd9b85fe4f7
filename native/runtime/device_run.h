// What a Program needs beside its kernels where those only enqueue, on a device whose memory the host cannot read: an
// arena there, pinned twins of inputs and outputs, the hyper-parameters' place, and the recorded step.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/device_queue.h"
#include "runtime/device_feed.h"
#include "runtime/input_feed.h"

namespace gyrus::runtime {

class DeviceMirror;

class DeviceRun {
 public:
  DeviceRun(std::shared_ptr<backend::DeviceQueue> queue, DeviceMirror& mirror);

  // At compile time. Pointers are the device's, except for add_output()'s: there the host finds the output after a run.
  void* allocate_arena(std::int64_t bytes);
  void* add_input(std::int64_t bytes);
  const void* add_output(const void* device, std::int64_t bytes);
  void* input(std::size_t number) const { return inputs_.at(number).device.get(); }
  // Writes those inputs for which stage() is given nullptr; in place of an earlier one.
  void set_feed(std::unique_ptr<InputFeed> feed);
  void guard(std::span<const float* const> losses);
  const backend::Hyper* hyper() const { return static_cast<const backend::Hyper*>(hyper_.device.get()); }
  DeviceMirror& mirror() const { return mirror_; }
  backend::DeviceQueue& queue() const { return *queue_; }

  // Sends the inputs of a later run on their way while one is under way: between its enqueue_outputs() and finish().
  // The number that comes back is for that run's stage(); what was prefetched before is dropped.
  std::uint64_t prefetch(std::span<const void* const> inputs);

  // A run: stage(), take_feed(), enqueue_inputs(), kernels with enqueue_guard() before the first update,
  // enqueue_outputs(), finish(). What is between take_feed() and finish() may be recorded, for runs of the same part of
  // a step whose inputs come from the same side.
  // `prefetched`: 0, or what prefetch() gave for these inputs.
  void stage(std::span<const void* const> inputs, const backend::Hyper& values, std::uint64_t prefetched = 0);
  void take_feed();
  void enqueue_inputs();
  void enqueue_guard();
  void enqueue_outputs();
  // Waits. True when the guard let updates happen.
  bool finish();

  // Runs of the part of a step that stage() was last told of. Each part has kernels of its own, and is recorded at its
  // second run: in the first, libraries still load what they need.
  bool is_warm() const { return ways_[way_].runs > 0; }
  std::unique_ptr<backend::Recording>& recording() { return ways_[way_].recording; }

  // For looking at what a kernel left: `bytes` of device memory, on the host.
  std::vector<std::byte> fetch(const void* device, std::int64_t bytes);

 private:
  struct Twin {
    std::shared_ptr<void> device, pinned;
    const void* source = nullptr;  // on the device, of outputs
    std::int64_t bytes = 0;
    bool is_brought = false;  // an input that is copied from its pinned twin this time
  };
  struct Way {
    std::int64_t runs = 0;
    std::unique_ptr<backend::Recording> recording;
  };
  Twin make_twin(std::int64_t bytes);
  void bring(std::span<const void* const> inputs);

  std::shared_ptr<backend::DeviceQueue> queue_;
  DeviceMirror& mirror_;
  std::shared_ptr<void> arena_;
  std::vector<Twin> inputs_, outputs_;
  Twin hyper_;
  std::unique_ptr<backend::Kernel> guard_;
  std::unique_ptr<InputFeed> feed_;
  // Where inputs come from: the caller's memory, the slot of what was prefetched, or, some of them, a feed.
  enum class Source : std::uint8_t { host, ahead, feed };
  Source source_ = Source::host;
  std::unique_ptr<DeviceFeed> ahead_;  // null until prefetch() is called: it takes as much memory as the inputs
  std::vector<DeviceFeed::Place> places_;
  std::uint64_t ahead_number_ = 0;
  static constexpr std::size_t kParts = backend::kStepParts;
  std::array<Way, 3 * kParts> ways_;  // of each source, one a part
  std::size_t way_ = 0;
};

}  // namespace gyrus::runtime
