#include "imaging/percentile.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "core/error.h"

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

constexpr std::uint32_t kHalves = 65536;  // a float's leading or trailing 16 bits
constexpr std::size_t kTables = 4;
constexpr std::size_t kBlock = 32;
constexpr std::size_t kMostCounted = std::size_t{1} << 31;  // values before 32-bit counts are added up

using Halves = std::vector<std::uint32_t>;

std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(x); }
// The leading half that is the rank-th in the order of numbers: negative ones, largest magnitude first, then positive.
std::uint32_t half_at(std::uint32_t rank) { return rank < kHalves / 2 ? kHalves - 1 - rank : rank - kHalves / 2; }
bool is_negative(std::uint32_t half) { return half >= kHalves / 2; }
bool is_finite(std::uint32_t half) { return (half & 0x7f80) != 0x7f80; }

// Adds to counts[h] how many values have the leading half h. Several tables: one that is written twice in a row makes
// the second wait for the first.
void count_leading(std::span<const float> values, std::span<std::uint64_t> counts) {
  Halves tables(kTables * kHalves);
  std::size_t i = 0;
  for (; i + kTables <= values.size(); i += kTables) {
    for (std::size_t table = 0; table < kTables; ++table) {
      ++tables[table * kHalves + (bits_of(values[i + table]) >> 16)];
    }
  }
  for (; i < values.size(); ++i) ++tables[bits_of(values[i]) >> 16];
  for (std::uint32_t half = 0; half < kHalves; ++half) {
    for (std::size_t table = 0; table < kTables; ++table) counts[half] += tables[table * kHalves + half];
  }
}

// How many values have exactly these bits.
std::uint64_t count_bits(std::span<const float> values, std::uint32_t wanted) {
  std::uint64_t count = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kMostCounted) {
    std::uint32_t found = 0;
    for (const float x : values.subspan(begin, std::min(kMostCounted, values.size() - begin))) {
      found += bits_of(x) == wanted ? 1U : 0U;
    }
    count += found;
  }
  return count;
}

// Counts of trailing halves of those values whose leading half is one of four.
class TrailingCounts {
 public:
  explicit TrailingCounts(const std::array<std::uint32_t, 4>& leading) : leading_(leading) {
    for (const std::uint32_t half : leading_) counts_[place_of(half)].resize(kHalves);
  }

  void add(std::span<const float> values) {
    std::size_t i = 0;
    for (; i + kBlock <= values.size(); i += kBlock) {
      if (has_any(values.data() + i)) add_each(values.subspan(i, kBlock));
    }
    add_each(values.subspan(i));
  }

  const std::vector<std::uint64_t>& of(std::uint32_t leading) const { return counts_[place_of(leading)]; }

 private:
  std::size_t place_of(std::uint32_t leading) const {
    std::size_t place = 0;
    while (place < leading_.size() && leading_[place] != leading) ++place;
    return place;
  }

  // Most blocks hold none: written so that the compiler makes vectors of it.
  bool has_any(const float* values) const {
    const auto [a, b, c, d] = leading_;
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const std::uint32_t half = bits_of(values[i]) >> 16;
      found |= (half == a ? 1U : 0U) | (half == b ? 1U : 0U) | (half == c ? 1U : 0U) | (half == d ? 1U : 0U);
    }
    return found != 0;
  }

  void add_each(std::span<const float> values) {
    for (const float x : values) {
      const std::size_t place = place_of(bits_of(x) >> 16);
      if (place < leading_.size()) ++counts_[place][bits_of(x) & 0xffff];
    }
  }

  std::array<std::uint32_t, 4> leading_{};
  std::array<std::vector<std::uint64_t>, 4> counts_;
};

// Values of any rank, exactly: a histogram of their leading halves tells which half a rank has, and a histogram of the
// trailing halves of those values which value it is.
class RankedValues {
 public:
  RankedValues(std::span<const float> values, bool counts_zeros) : values_(values), leading_(kHalves) {
    for (std::size_t begin = 0; begin < values.size(); begin += kMostCounted) {
      count_leading(values.subspan(begin, std::min(kMostCounted, values.size() - begin)), leading_);
    }
    if (!counts_zeros) {
      for (const std::size_t sign : {0U, 1U}) {
        std::uint64_t& count = leading_[sign * kHalves / 2];  // of the tiniest numbers and zeros of that sign
        zeros_[sign] = count == 0 ? 0 : count_bits(values, bits_of(sign == 0 ? 0.0F : -0.0F));
        count -= zeros_[sign];
      }
    }
    for (std::uint32_t half = 0; half < kHalves; ++half) {
      if (!is_finite(half)) leading_[half] = 0;
      count_ += leading_[half];
    }
  }

  std::uint64_t count() const { return count_; }

  std::array<double, 4> at(const std::array<std::uint64_t, 4>& ranks) const {
    std::array<Place, 4> places;
    std::array<std::uint32_t, 4> halves{};
    for (std::size_t i = 0; i < ranks.size(); ++i) places[i] = place_of(ranks[i]), halves[i] = places[i].half;
    TrailingCounts trailing(halves);
    trailing.add(values_);
    std::array<double, 4> found;
    for (std::size_t i = 0; i < ranks.size(); ++i) found[i] = value_at(places[i], trailing.of(halves[i]));
    return found;
  }

 private:
  struct Place {
    std::uint32_t half = 0;  // the leading half
    std::uint64_t rank = 0;  // among the values that share it
  };

  Place place_of(std::uint64_t rank) const {
    std::uint32_t at = 0;
    for (; leading_[half_at(at)] <= rank; ++at) rank -= leading_[half_at(at)];
    return {half_at(at), rank};
  }

  double value_at(const Place& place, const std::vector<std::uint64_t>& trailing) const {
    const bool is_down = is_negative(place.half);
    std::uint64_t left = place.rank;
    for (std::uint32_t i = 0; i < kHalves; ++i) {
      const std::uint32_t low = is_down ? kHalves - 1 - i : i;
      const std::uint32_t bits = place.half << 16 | low;
      std::uint64_t count = trailing[low];
      if (bits << 1 == 0) count -= zeros_[is_down ? 1 : 0];
      if (left < count) return std::bit_cast<float>(bits);
      left -= count;
    }
    GYRUS_ASSERT(false);
  }

  std::span<const float> values_;
  std::vector<std::uint64_t> leading_;
  std::array<std::uint64_t, 2> zeros_{};  // those that do not count, of either sign
  std::uint64_t count_ = 0;
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
  const RankedValues ranked(values, options.counts_zeros);
  if (ranked.count() == 0) return {};
  const Rank low = rank_of(options.low, ranked.count()), high = rank_of(options.high, ranked.count());
  const std::array<double, 4> found = ranked.at({low.below, low.above, high.below, high.above});
  return {interpolate(found[0], found[1], low.fraction), interpolate(found[2], found[3], high.fraction)};
}

}  // namespace gyrus::imaging
