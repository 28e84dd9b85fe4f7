#include "train/view_feed.h"

#include <array>
#include <utility>

#include "core/error.h"

namespace gyrus::train {
namespace {

constexpr std::int64_t kAlignment = 256;
constexpr std::size_t kSlots = runtime::InputFeed::kMostSlots, kViews = 2;

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
      feed_(queue_, slot_bytes(images, options), kSlots) {}

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

ViewFeed::Turn::~Turn() {
  try {
    feed_.feed_.release();
  } catch (const Error&) {
    return;  // of a device that has failed, which the call has said already
  }
}

// A kernel for each slot and view, all in one scratch memory: they run one after the other.
class ViewFeed::Input final : public runtime::InputFeed {
 public:
  using Kernels = std::array<std::array<std::unique_ptr<backend::Kernel>, kViews>, kSlots>;
  Input(std::shared_ptr<ViewFeed> feed, Kernels kernels) : feed_(std::move(feed)), kernels_(std::move(kernels)) {}
  std::size_t take() override { return feed_->feed_.take(); }
  void write(std::size_t slot, std::size_t number) override { kernels_.at(slot).at(number)->run(); }

 private:
  std::shared_ptr<ViewFeed> feed_;
  Kernels kernels_;
};

void ViewFeed::serve(runtime::Program& program) {
  Input::Kernels kernels;
  for (std::size_t number = 0; number < kSlots; ++number) {
    const Slot slot = slot_at(feed_.device(number));
    for (std::size_t view = 0; view < kViews; ++view) {
      const runtime::Program::NetworkInput input = program.network_input(view);
      kernels.at(number).at(view) = queue_->make_augment({.slices = slot.slices.data(),
                                                          .plans = (view == 0 ? slot.plans1 : slot.plans2).data(),
                                                          .out = input.data,
                                                          .dtype = input.dtype,
                                                          .images = images_,
                                                          .channels = options_.channels,
                                                          .source_size = options_.source_size,
                                                          .size = options_.size,
                                                          .mean = options_.mean,
                                                          .std = options_.std});
    }
  }
  const std::int64_t bytes = kernels[0][0]->scratch_bytes();
  if (!scratch_ && bytes > 0) scratch_ = queue_->allocate(bytes, MemoryKind::device);
  backend::KernelArgs with_scratch;
  with_scratch.scratch = scratch_.get();
  for (auto& of_slot : kernels) {
    for (const auto& kernel : of_slot) kernel->bind(with_scratch);
  }
  program.set_feed(std::make_unique<Input>(shared_from_this(), std::move(kernels)));
}

}  // namespace gyrus::train
