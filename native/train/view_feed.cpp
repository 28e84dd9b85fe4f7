#include "train/view_feed.h"

#include <utility>

#include "core/error.h"

namespace gyrus::train {
namespace {

constexpr std::int64_t kAlignment = 256;
constexpr std::size_t kSlots = 2;

std::int64_t slice_count(std::int64_t images, const FeedOptions& options) {
  GYRUS_CHECK(options.source_size >= 1 && options.std > 0, Code::invalid_argument, "slices of ", options.source_size,
              " pixels with a standard deviation of ", options.std, " cannot be fed: both must be positive");
  return images * options.source_size * options.source_size;
}

// Slices first, then both views' plans.
std::int64_t plans_offset(std::int64_t images, const FeedOptions& options) {
  const auto bytes = slice_count(images, options) * static_cast<std::int64_t>(sizeof(std::uint16_t));
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::int64_t slot_bytes(std::int64_t images, const FeedOptions& options) {
  return plans_offset(images, options) + 2 * images * static_cast<std::int64_t>(sizeof(math::ViewPlan));
}

}  // namespace

ViewFeed::ViewFeed(std::shared_ptr<backend::DeviceQueue> queue, std::int64_t images, const FeedOptions& options)
    : queue_(std::move(queue)),
      images_(images),
      options_(options),
      bytes_(slot_bytes(images, options)),
      current_(queue_->allocate(bytes_, MemoryKind::device)),
      feed_(queue_, bytes_, kSlots) {}

ViewFeed::Slot ViewFeed::slot_at(std::byte* memory) const {
  const auto images = static_cast<std::size_t>(images_);
  auto* const plans = reinterpret_cast<math::ViewPlan*>(memory + plans_offset(images_, options_));
  return {{reinterpret_cast<std::uint16_t*>(memory), static_cast<std::size_t>(slice_count(images_, options_))},
          {plans, images},
          {plans + images, images}};
}

void ViewFeed::fill(const runtime::FeedTag& tag, const std::function<void(const Slot&)>& write) {
  feed_.fill(tag, [&](std::byte* memory) { write(slot_at(memory)); });
}

class ViewFeed::Input final : public runtime::InputFeed {
 public:
  Input(std::shared_ptr<ViewFeed> feed, std::unique_ptr<backend::Kernel> augment)
      : feed_(std::move(feed)), augment_(std::move(augment)) {}
  void take() override {
    const runtime::DeviceFeed::Place all{feed_->current_.get(), 0, feed_->bytes_};
    feed_->feed_.take({&all, 1});
  }
  void write() override { augment_->run(); }

 private:
  std::shared_ptr<ViewFeed> feed_;
  std::unique_ptr<backend::Kernel> augment_;
};

void ViewFeed::serve(runtime::Program& program) {
  const Slot current = slot_at(static_cast<std::byte*>(current_.get()));
  backend::AugmentJob job;
  job.slices = current.slices.data();
  job.plans[0] = current.plans1.data();
  job.plans[1] = current.plans2.data();
  for (const std::size_t view : {0, 1}) job.out[view] = static_cast<float*>(program.device_input(view));
  job.images = images_;
  job.channels = options_.channels;
  job.source_size = options_.source_size;
  job.size = options_.size;
  job.mean = options_.mean;
  job.std = options_.std;
  program.set_feed(std::make_unique<Input>(shared_from_this(), queue_->make_augment(job)));
}

}  // namespace gyrus::train
