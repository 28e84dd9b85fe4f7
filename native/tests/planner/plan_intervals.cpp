// Property tests of the planner over random intervals: live blocks never overlap, no plan beats the lower bound, and
// none is far above it.
#include "memory/plan_intervals.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/philox.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using memory::Interval;
using memory::Placement;

constexpr std::int64_t kAlign = 64;

// Random draws, one after the other.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : philox_{seed, stream_of("plan_intervals")} {}
  // In [0, bound).
  std::int64_t below(std::int64_t bound) { return philox_.bits(next_++) % bound; }

 private:
  Philox philox_;
  std::uint64_t next_ = 0;
};

// Sizes from bytes to megabytes in no particular order, lives from one step to a fifth of the program.
std::vector<Interval> random_intervals(std::uint64_t seed, std::int64_t count, std::int64_t steps) {
  Draws draws(seed);
  std::vector<Interval> intervals;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto first = static_cast<std::int32_t>(draws.below(steps));
    const auto life = static_cast<std::int32_t>(draws.below(std::max<std::int64_t>(steps / 5, 1)));
    const std::int64_t bytes = draws.below(std::int64_t{1} << (1 + draws.below(20)));
    intervals.push_back({bytes, first, std::min(first + life, static_cast<std::int32_t>(steps - 1))});
  }
  return intervals;
}

// Turns some intervals into takers of an earlier one's memory, as an in-place kernel's output is.
void share_some(std::vector<Interval>& intervals, std::uint64_t seed) {
  Draws draws(seed + 1000);
  std::vector<bool> is_taken(intervals.size(), false);
  for (std::size_t i = 1; i < intervals.size(); ++i) {
    const auto source = static_cast<std::size_t>(draws.below(static_cast<std::int64_t>(i)));
    if (is_taken[source] || draws.below(3) != 0) continue;
    const std::int32_t life = std::max(intervals[i].last - intervals[i].first, 1);  // it must outlive its first step
    intervals[i].first = intervals[source].last;
    intervals[i].last = intervals[i].first + life;
    intervals[i].bytes = std::min(intervals[i].bytes, intervals[source].bytes);
    intervals[i].shares_with = static_cast<std::int32_t>(source);
    is_taken[source] = true;
  }
}

bool live_together(const Interval& a, const Interval& b) { return a.first <= b.last && b.first <= a.last; }

// Largest sum of rounded bytes alive at one step, counted step by step; a taker and its source count once.
std::int64_t live_peak(const std::vector<Interval>& intervals, std::int64_t steps) {
  std::int64_t peak = 0;
  for (std::int32_t step = 0; step < steps; ++step) {
    std::int64_t live = 0;
    for (const Interval& interval : intervals) {
      if (interval.first > step || interval.last < step) continue;
      const bool is_counted_by_source = interval.shares_with >= 0 && interval.first == step;
      if (!is_counted_by_source) live += interval.bytes;
    }
    peak = std::max(peak, live);
  }
  return peak;
}

void check_plan(Check& check, const std::vector<Interval>& intervals, std::int64_t steps, std::string_view what) {
  const Placement plan = memory::plan_intervals(intervals);
  if (!check.equal(plan.offsets.size(), intervals.size(), text(what, ": offsets"))) return;
  int overlaps = 0, misplaced = 0, unshared = 0;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const std::int64_t begin = plan.offsets[i], end = begin + intervals[i].bytes;
    if (begin < 0 || begin % kAlign != 0 || end > plan.peak_bytes) ++misplaced;
    const std::int32_t source = intervals[i].shares_with;
    if (source >= 0 && begin != plan.offsets[static_cast<std::size_t>(source)]) ++unshared;
    for (std::size_t j = 0; j < i; ++j) {
      if (source == static_cast<std::int32_t>(j) || !live_together(intervals[i], intervals[j])) continue;
      if (begin < plan.offsets[j] + intervals[j].bytes && plan.offsets[j] < end) ++overlaps;
    }
  }
  check.equal(overlaps, 0, text(what, ": pairs that overlap while both are alive"));
  check.equal(misplaced, 0, text(what, ": offsets out of the arena or not aligned"));
  check.equal(unshared, 0, text(what, ": takers that did not get their source's memory"));
  check.that(plan.lower_bound >= live_peak(intervals, steps), what, ": lower bound ", plan.lower_bound,
             " is below the bytes that live together");
  check.that(plan.peak_bytes >= plan.lower_bound, what, ": peak ", plan.peak_bytes, " below the lower bound ",
             plan.lower_bound);
}

}  // namespace

void plan_intervals(Suite& suite) {
  suite.test("random sets: no overlap of live blocks, peak within the bounds", [](Check& check) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const std::int64_t steps = 1 + static_cast<std::int64_t>(seed) * 3;
      const auto intervals = random_intervals(seed, 10 + static_cast<std::int64_t>(seed) * 5, steps);
      check_plan(check, intervals, steps, text("seed ", seed));
      const Placement plan = memory::plan_intervals(intervals);
      check.that(static_cast<double>(plan.peak_bytes) <= 1.3 * static_cast<double>(plan.lower_bound), "seed ", seed,
                 ": peak ", plan.peak_bytes, " is more than 1.3 times the lower bound ", plan.lower_bound);
    }
  });
  suite.test("random sets with in-place takers: each gets its source's memory", [](Check& check) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const std::int64_t steps = 20 + static_cast<std::int64_t>(seed);
      auto intervals = random_intervals(seed, 20 + static_cast<std::int64_t>(seed) * 3, steps);
      share_some(intervals, seed);
      std::int32_t last = 0;
      for (const Interval& interval : intervals) last = std::max(last, interval.last);
      check_plan(check, intervals, last + 1, text("seed ", seed));
    }
  });
  suite.test("a chain of layers needs two buffers, and one when computed in place", [](Check& check) {
    std::vector<Interval> chain;
    chain.reserve(10);
    for (std::int32_t i = 0; i < 10; ++i) chain.push_back({1024, i, i + 1});
    check.equal(memory::plan_intervals(chain).peak_bytes, 2048, "two buffers in turn");
    for (std::int32_t i = 1; i < 10; ++i) chain[static_cast<std::size_t>(i)].shares_with = i - 1;
    check.equal(memory::plan_intervals(chain).peak_bytes, 1024, "in place");
  });
  suite.test("edges: nothing, empty blocks, one byte, a block that lives for ever", [](Check& check) {
    check.equal(memory::plan_intervals({}).peak_bytes, 0, "no intervals");
    const std::vector<Interval> empty{{0, 0, 3}, {0, 1, 2}};
    check.equal(memory::plan_intervals(empty).peak_bytes, 0, "blocks of no bytes");
    const std::vector<Interval> byte{{1, 5, 5}};
    check.equal(memory::plan_intervals(byte).peak_bytes, kAlign, "one byte takes one cache line");
    const std::vector<Interval> bytes{{1, 0, 1}, {300, 0, 1}, {1, 0, 1}};
    for (const std::int64_t offset : memory::plan_intervals(bytes, 256).offsets) {
      check.equal(offset % 256, 0, "the rest of an offset where 256 bytes are asked for");
    }
    check.equal(memory::plan_intervals(bytes, 256).peak_bytes, 1024, "three blocks of multiples of 256");
    const std::vector<Interval> lasting{{640, 0, 9}, {64, 2, 3}, {64, 4, 5}, {64, 6, 9}};
    check.equal(memory::plan_intervals(lasting).peak_bytes, 704,
                "short blocks follow each other beside the lasting one");
  });
  suite.test("contradictory intervals are defects", [](Check& check) {
    const auto plan = [](const std::vector<Interval>& intervals) {
      return [intervals] { (void)memory::plan_intervals(intervals); };
    };
    check.throws(Code::internal, "ends before it begins", plan({{64, 3, 2}}));
    check.throws(Code::internal, "negative size", plan({{-1, 0, 0}}));
    check.throws(Code::internal, "a taker larger than its source", plan({{64, 0, 1}, {65, 1, 2, 0}}));
    check.throws(Code::internal, "a taker that begins late", plan({{64, 0, 1}, {64, 2, 3, 0}}));
    check.throws(Code::internal, "a taker of itself", plan({{64, 0, 1, 0}}));
  });
}

}  // namespace gyrus::tests::suites
