#include "data/sampler.h"

#include <utility>

#include "core/error.h"
#include "core/philox.h"

namespace gyrus::data {

Sampler::Sampler(std::vector<std::uint32_t> rows, std::size_t batch_size, std::uint64_t seed)
    : rows_(std::move(rows)), batch_size_(batch_size), seed_(seed) {
  GYRUS_CHECK(batch_size >= 1 && batch_size <= rows_.size(), Code::invalid_argument, "batchSize must be at most the ",
              rows_.size(), " slices that there are, not ", batch_size);
}

std::span<const std::uint32_t> Sampler::batch(std::uint64_t step) {
  const std::uint32_t epoch = epoch_of(step);
  if (order_.empty() || epoch != epoch_) {
    order_ = rows_;
    // Fisher and Yates. The bounded numbers are uneven by 2^-32 of the count, which nobody can see.
    const Philox philox{seed_, stream_of("order") + epoch};
    for (std::size_t i = order_.size() - 1; i > 0; --i) {
      const std::uint64_t j = (static_cast<std::uint64_t>(philox.bits(i)) * (i + 1)) >> 32U;
      std::swap(order_[i], order_[static_cast<std::size_t>(j)]);
    }
    epoch_ = epoch;
  }
  const auto position = static_cast<std::size_t>(step % steps_per_epoch());
  return std::span<const std::uint32_t>(order_).subspan(position * batch_size_, batch_size_);
}

}  // namespace gyrus::data
