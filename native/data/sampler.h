// Which slices make up a step: every epoch another order, every step another part of it, and nothing to remember.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::data {

// The order of epoch e is a function of (seed, e) alone, so that any step can be asked for at any time. What is left
// over at the end of an epoch is dropped, as science.md B4 has it.
class Sampler {
 public:
  // `rows`: those to draw from. Code::invalid_argument when a batch needs more.
  Sampler(std::vector<std::uint32_t> rows, std::size_t batch_size, std::uint64_t seed);

  std::size_t samples() const { return rows_.size(); }
  std::size_t steps_per_epoch() const { return rows_.size() / batch_size_; }
  std::uint32_t epoch_of(std::uint64_t step) const { return static_cast<std::uint32_t>(step / steps_per_epoch()); }
  // The rows of a step's batch, in order; valid until the next call. O(samples) when the epoch is another one.
  std::span<const std::uint32_t> batch(std::uint64_t step);

 private:
  std::vector<std::uint32_t> rows_, order_;
  std::size_t batch_size_;
  std::uint64_t seed_;
  std::uint32_t epoch_ = 0;
};

}  // namespace gyrus::data
