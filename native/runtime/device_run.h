// What a Program needs beside its kernels where those only enqueue, on a device whose memory the host cannot read: an
// arena there, pinned twins of inputs and outputs, the hyper-parameters' place, and the recorded step.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backend/device_queue.h"
#include "runtime/input_feed.h"
#include "runtime/inputs_ahead.h"

namespace gyrus::runtime {

class DeviceMirror;

class DeviceRun {
 public:
  DeviceRun(std::shared_ptr<backend::DeviceQueue> queue, DeviceMirror& mirror);

  // At compile time, inputs in their order, images first. Pointers are the device's, except for add_output()'s: there
  // the host finds the output after a run. An image is only turned into what the network reads: it has no place of its
  // own, and whoever turns it asks where it is (source()).
  void* allocate_arena(std::int64_t bytes);
  void* add_input(std::int64_t bytes);
  void add_image(std::int64_t bytes);
  const void* add_output(const void* device, std::int64_t bytes);
  // Writes the images, in runs for which stage() is given nullptr in their place; instead of an earlier feed.
  void set_feed(std::unique_ptr<InputFeed> feed);
  void guard(std::span<const float* const> losses);
  const backend::Hyper* hyper() const { return static_cast<const backend::Hyper*>(hyper_.device.get()); }
  DeviceMirror& mirror() const { return mirror_; }
  backend::DeviceQueue& queue() const { return *queue_; }

  // Sends the images of a later run on their way, before that or while one is under way. The number that comes back is
  // for that run's stage(); what was prefetched before and not used is dropped. 0 where there is no image.
  std::uint64_t prefetch(std::span<const void* const> images);
  // From now on this run takes what another one's prefetch() sends. Their images must have the same sizes.
  void share_prefetch(DeviceRun& other);

  // A run: stage(), enqueue_inputs(), kernels with enqueue_guard() before the first update, enqueue_outputs(),
  // finish(). What is between stage() and finish() may be recorded, for runs of the same part of a step whose images
  // come from the same side and the same slot.
  // `prefetched`: 0, or what prefetch() gave for these inputs.
  void stage(std::span<const void* const> inputs, const backend::Hyper& values, std::uint64_t prefetched = 0);
  void enqueue_inputs();
  void enqueue_guard();
  void enqueue_outputs();
  // Waits. True when the guard let updates happen.
  bool finish();
  // The slot that stage() took, if any, may be written again when all that was enqueued is done.
  void release();

  // Where images are in this run: with the host, on the device ahead of the run, or a feed makes them.
  enum class Source : std::uint8_t { host, ahead, feed };
  Source source() const { return source_; }
  // Image `number` of those that are ahead; from the host to a place on the device; and from the feed.
  void* image_ahead(std::size_t number) const { return ahead_->device(slot_, number); }
  void bring_image(std::size_t number, void* to);
  void write_image(std::size_t number) { feed_->write(slot_, number); }

  // Runs of the part of a step, and of the slot, that stage() was last told of. Each has kernels or pointers of its
  // own, and is recorded when its part has run once: in the first, libraries still load what they need.
  bool is_warm() const { return is_warm_.at(kind_); }
  std::unique_ptr<backend::Recording>& recording() { return recordings_.at(way_); }

  // For looking at what a kernel left: `bytes` of device memory, on the host.
  std::vector<std::byte> fetch(const void* device, std::int64_t bytes);

 private:
  struct Twin {
    std::shared_ptr<void> device, pinned;
    const void* source = nullptr;  // on the device, of outputs
    std::int64_t bytes = 0;
  };
  Twin make_twin(std::int64_t bytes);
  std::shared_ptr<InputsAhead>& ahead();
  std::vector<std::int64_t> image_bytes() const;

  std::shared_ptr<backend::DeviceQueue> queue_;
  DeviceMirror& mirror_;
  std::shared_ptr<void> arena_;
  std::vector<Twin> inputs_, outputs_;
  std::size_t images_ = 0;  // of the inputs
  Twin hyper_;
  std::unique_ptr<backend::Kernel> guard_;
  std::unique_ptr<InputFeed> feed_;
  std::shared_ptr<InputsAhead> ahead_;  // null until prefetch(), or the other run's
  Source source_ = Source::host;
  std::size_t slot_ = 0;
  static constexpr std::size_t kParts = backend::kStepParts, kSlots = 2, kSources = 3;
  static_assert(kSlots >= InputsAhead::kSlots && kSlots >= InputFeed::kMostSlots);
  std::array<std::unique_ptr<backend::Recording>, kSources * kParts * kSlots> recordings_;
  std::array<bool, kSources * kParts> is_warm_{};
  std::size_t kind_ = 0, way_ = 0;  // source and part; and slot
};

}  // namespace gyrus::runtime
