#include "memory/plan_intervals.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace gyrus::memory {
namespace {

// Intervals that follow each other in one piece of memory are placed as one block over their joint life.
struct Block {
  std::int64_t bytes = 0;
  std::int32_t first = 0, last = 0;
  std::vector<std::size_t> members;
};

std::vector<Block> join_shared(std::span<const Interval> intervals, std::int64_t alignment) {
  std::vector<Block> blocks;
  std::vector<std::size_t> block_of(intervals.size());
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const Interval& interval = intervals[i];
    GYRUS_ASSERT(interval.first <= interval.last && interval.bytes >= 0);
    if (interval.shares_with >= 0) {
      const auto source = static_cast<std::size_t>(interval.shares_with);
      GYRUS_ASSERT(source < i && intervals[source].last == interval.first && intervals[source].bytes >= interval.bytes);
      Block& block = blocks[block_of[source]];
      block.last = interval.last;
      block.members.push_back(i);
      block_of[i] = block_of[source];
    } else {
      block_of[i] = blocks.size();
      const std::int64_t bytes = (interval.bytes + alignment - 1) / alignment * alignment;
      blocks.push_back({bytes, interval.first, interval.last, {i}});
    }
  }
  return blocks;
}

std::int64_t largest_live_sum(std::span<const Block> blocks) {
  std::int32_t end = 0;
  for (const Block& block : blocks) end = std::max(end, block.last);
  std::vector<std::int64_t> change(static_cast<std::size_t>(end) + 2, 0);
  for (const Block& block : blocks) {
    change[static_cast<std::size_t>(block.first)] += block.bytes;
    change[static_cast<std::size_t>(block.last) + 1] -= block.bytes;
  }
  std::int64_t live = 0, most = 0;
  for (const std::int64_t delta : change) most = std::max(most, live += delta);
  return most;
}

struct Placed {
  std::int64_t offset, end;
  std::int32_t first, last;
};

// The smallest gap that fits among the blocks alive at the same time; the end of them all when none does.
std::int64_t best_gap(const std::vector<Placed>& by_offset, const Block& block) {
  std::int64_t cursor = 0, best = -1, best_size = 0;
  for (const Placed& other : by_offset) {
    if (other.last < block.first || other.first > block.last) continue;
    const std::int64_t gap = other.offset - cursor;
    if (gap >= block.bytes && (best < 0 || gap < best_size)) {
      best = cursor;
      best_size = gap;
    }
    cursor = std::max(cursor, other.end);
  }
  return best >= 0 ? best : cursor;
}

}  // namespace

Placement plan_intervals(std::span<const Interval> intervals, std::int64_t alignment) {
  const std::vector<Block> blocks = join_shared(intervals, alignment);
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (blocks[a].bytes != blocks[b].bytes) return blocks[a].bytes > blocks[b].bytes;
    return blocks[a].last - blocks[a].first > blocks[b].last - blocks[b].first;
  });

  Placement placement;
  placement.offsets.assign(intervals.size(), 0);
  placement.lower_bound = largest_live_sum(blocks);
  std::vector<Placed> by_offset;
  for (const std::size_t index : order) {
    const Block& block = blocks[index];
    const std::int64_t offset = best_gap(by_offset, block);
    const Placed placed{offset, offset + block.bytes, block.first, block.last};
    const auto at = std::upper_bound(by_offset.begin(), by_offset.end(), placed,
                                     [](const Placed& a, const Placed& b) { return a.offset < b.offset; });
    by_offset.insert(at, placed);
    placement.peak_bytes = std::max(placement.peak_bytes, placed.end);
    for (const std::size_t member : block.members) placement.offsets[member] = offset;
  }
  return placement;
}

}  // namespace gyrus::memory
