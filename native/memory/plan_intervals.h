// A pure function from lifetimes to offsets in one arena. It knows nothing of graphs, so it is property-tested alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::memory {

// A block that must exist from step `first` to step `last`, both inclusive.
struct Interval {
  std::int64_t bytes = 0;
  std::int32_t first = 0, last = 0;
  // Index of an interval whose memory this one takes over (in place): its last step must be this one's first step, and
  // it must be at least as large. -1: none. The planner obeys it.
  std::int32_t shares_with = -1;
};

struct Placement {
  std::vector<std::int64_t> offsets;  // one an interval, multiples of the alignment
  std::int64_t peak_bytes = 0;        // size of the arena
  std::int64_t lower_bound = 0;       // largest sum of bytes alive at one step: no plan can be smaller
};

inline constexpr std::int64_t kCacheLine = 64;

// Greedy by size: largest first, each at the lowest gap that is free over its whole life, best fit among the gaps.
// O(n^2) in the number of intervals. Throws Code::internal on an interval that ends before it begins.
Placement plan_intervals(std::span<const Interval> intervals, std::int64_t alignment = kCacheLine);

}  // namespace gyrus::memory
