// From a lowered graph to intervals: which block of memory must exist from which step to which.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "memory/plan_intervals.h"

namespace gyrus::runtime {

struct Lifetimes {
  std::vector<memory::Interval> intervals;
  std::vector<int> interval_of_value;    // -1: the value is not planned (bound elsewhere, or never used)
  std::vector<int> interval_of_scratch;  // one a step; -1: the kernel needs none
};

// `is_planned[v]`: value v lives in the arena. `lives_to_end[v]`: it must survive the run. With `keeps_prologue`,
// blocks that prologue steps write live over the whole program, because the prologue runs once and its results are read
// at every run. In-place sharing is granted when the backend allows the pair, the read value is planned, dies at this
// very step, was not shared away before, and is at least as large.
Lifetimes find_lifetimes(const backend::LoweredGraph& graph, const std::vector<bool>& is_planned,
                         const std::vector<bool>& lives_to_end, bool keeps_prologue);

}  // namespace gyrus::runtime
