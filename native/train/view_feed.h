// Slices on their way to a device, which makes the views of a step from them: the device's side of what a loader fills.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "math/view_plan.h"
#include "runtime/device_feed.h"
#include "runtime/program.h"

namespace gyrus::train {

// Of the loader: its slices, and its views.
struct FeedOptions {
  std::int64_t source_size = 0;         // pixels of a slice's side
  std::int64_t size = 0, channels = 1;  // of a view
  float mean = 0, std = 1;              // of its normalisation
};

class ViewFeed : public std::enable_shared_from_this<ViewFeed> {
 public:
  // `images`: what a program takes at a time. Throws Code::invalid_argument for sizes that there are not,
  // Code::out_of_memory.
  ViewFeed(std::shared_ptr<backend::DeviceQueue> queue, std::int64_t images, const FeedOptions& options);

  // What a loader writes: the images' slices, and what was drawn for the two views of each.
  struct Slot {
    std::span<std::uint16_t> slices;  // [images, source_size, source_size]
    std::span<math::ViewPlan> plans1, plans2;
  };
  // Any thread but the session's, one at a time; DeviceFeed::fill() says what it throws.
  void fill(const runtime::FeedTag& tag, const std::function<void(const Slot&)>& write);

  // The session's thread: x1 and x2, a program's images, are what the slices of the slot that was taken give wherever
  // they are nullptr.
  void serve(runtime::Program& program);

  // A call that reads what was fed for it, as often as it likes; the slot is filled again when it has ended, unless it
  // ended before it read anything. Throws Code::invalid_argument unless that is what was fed next.
  class Turn {
   public:
    Turn(ViewFeed& feed, const runtime::FeedTag& tag) : feed_(feed) { feed_.feed_.expect(tag); }
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    ViewFeed& feed_;
  };

 private:
  class Input;
  Slot slot_at(std::byte* memory) const;

  std::shared_ptr<backend::DeviceQueue> queue_;
  std::int64_t images_;
  FeedOptions options_;
  runtime::DeviceFeed feed_;
  std::shared_ptr<void> scratch_;  // of the kernels of all programs that are served
};

}  // namespace gyrus::train
