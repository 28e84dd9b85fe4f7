#include "runtime/inputs_ahead.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace gyrus::runtime {
namespace {

constexpr std::int64_t kAlignment = 256;

}  // namespace

InputsAhead::InputsAhead(std::shared_ptr<backend::DeviceQueue> queue, std::vector<std::int64_t> bytes)
    : queue_(std::move(queue)), bytes_(std::move(bytes)) {
  std::int64_t end = 0;
  for (const std::int64_t each : bytes_) {
    offsets_.push_back(end);
    end += (each + kAlignment - 1) / kAlignment * kAlignment;
  }
  offsets_.push_back(end);
}

std::uint64_t InputsAhead::send(std::span<const void* const> inputs) {
  GYRUS_ASSERT(inputs.size() == bytes_.size());
  if (!lane_) {
    DeviceSlot one(*queue_, offsets_.back()), other(*queue_, offsets_.back());  // both or none
    slots_ = {std::move(one), std::move(other)};
    lane_ = queue_->make_lane();
  }
  const std::size_t free = held_ == std::size_t{0} ? 1 : 0;
  numbers_ = {};
  slots_.at(free)->fill(*lane_, [&](std::byte* pinned) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::memcpy(pinned + offsets_[i], inputs[i], static_cast<std::size_t>(bytes_[i]));
    }
  });
  return numbers_.at(free) = ++last_;
}

std::optional<std::size_t> InputsAhead::take(std::uint64_t number) {
  const auto found = std::find(numbers_.begin(), numbers_.end(), number);
  if (number == 0 || found == numbers_.end()) return std::nullopt;
  GYRUS_ASSERT(!held_);
  held_ = static_cast<std::size_t>(found - numbers_.begin());
  numbers_ = {};
  slots_.at(*held_)->begin_read(*queue_);
  return held_;
}

void InputsAhead::release() {
  if (!held_) return;
  slots_.at(*std::exchange(held_, std::nullopt))->end_read(*queue_);
}

}  // namespace gyrus::runtime
