#include "imaging/percentile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace gyrus::imaging {
namespace {

// The two ranks (from 0) between which a percentile lies, and how far it is from the first to the second.
struct Rank {
  std::uint64_t below = 0, above = 0;
  double fraction = 0;
};

Rank rank_of(double percent, std::uint64_t count) {
  const double at = percent / 100 * static_cast<double>(count - 1);
  const auto below = static_cast<std::uint64_t>(at);
  return {below, std::min(below + 1, count - 1), at - static_cast<double>(below)};
}

// Written like numpy's, so that both ends are met exactly.
double interpolate(double a, double b, double t) { return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t); }

constexpr int kDigitBits = 16;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

// Bits that are ordered as the numbers are.
std::uint32_t ordered_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

bool counts(float x, const PercentileOptions& options) { return std::isfinite(x) && (options.counts_zeros || x != 0); }

// Values of any rank: a histogram of their leading bits tells in which bin a rank falls, and that bin alone is sorted.
class RankedValues {
 public:
  RankedValues(std::span<const float> values, const PercentileOptions& options)
      : values_(values), options_(options), bins_(kDigits) {
    for (const float x : values) {
      if (counts(x, options)) ++bins_[ordered_bits(x) >> kDigitBits], ++count_;
    }
  }

  std::uint64_t count() const { return count_; }

  double at(const Rank& rank) {
    const double below = value(rank.below);
    return interpolate(below, rank.above == rank.below ? below : value(rank.above), rank.fraction);
  }

 private:
  double value(std::uint64_t rank) {
    std::size_t bin = 0;
    std::uint64_t before = 0;
    while (before + bins_[bin] <= rank) before += bins_[bin++];
    if (bin != sorted_bin_) sort_bin(bin);
    return sorted_[rank - before];
  }

  void sort_bin(std::size_t bin) {
    sorted_.clear();
    for (const float x : values_) {
      if (counts(x, options_) && ordered_bits(x) >> kDigitBits == bin) sorted_.push_back(x);
    }
    std::sort(sorted_.begin(), sorted_.end());
    sorted_bin_ = bin;
  }

  std::span<const float> values_;
  const PercentileOptions& options_;
  std::vector<std::uint64_t> bins_;
  std::uint64_t count_ = 0;
  std::vector<float> sorted_;
  std::size_t sorted_bin_ = kDigits;
};

}  // namespace

Window window_of_keys(const Voxels& voxels, std::int64_t least, std::span<const std::uint64_t> counts,
                      const PercentileOptions& options) {
  // In the order of values: a negative slope turns the keys' order round.
  const auto size = static_cast<std::int64_t>(counts.size());
  const auto key_at = [&](std::int64_t i) { return voxels.slope < 0 ? least + size - 1 - i : least + i; };
  const auto count_at = [&](std::int64_t i) {
    const std::int64_t key = key_at(i);
    const bool is_counted = options.counts_zeros || voxels.value_of(key) != 0;
    return is_counted ? counts[static_cast<std::size_t>(key - least)] : 0;
  };
  std::uint64_t total = 0;
  for (std::int64_t i = 0; i < size; ++i) total += count_at(i);
  if (total == 0) return {};
  const auto value = [&](std::uint64_t rank) {
    std::int64_t i = 0;
    for (std::uint64_t before = count_at(0); before <= rank; before += count_at(i)) ++i;
    return voxels.value_of(key_at(i));
  };
  const auto percentile = [&](double percent) {
    const Rank rank = rank_of(percent, total);
    return interpolate(value(rank.below), value(rank.above), rank.fraction);
  };
  return {percentile(options.low), percentile(options.high)};
}

Window window_of_values(std::span<const float> values, const PercentileOptions& options) {
  RankedValues ranked(values, options);
  if (ranked.count() == 0) return {};
  const double low = ranked.at(rank_of(options.low, ranked.count()));
  return {low, ranked.at(rank_of(options.high, ranked.count()))};
}

}  // namespace gyrus::imaging
