// How the optimizers walk the flat arenas: runs of neighbouring segments that are treated alike. The gaps between
// segments hold zeros in every arena, and every update maps zeros to zeros, so a run crosses them.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {

struct SweepRun {
  Range elements;  // in the arenas
  bool has_weight_decay = true;
  float lr_scale = 1;
};

// Runs that cover [0, trainable_count).
inline std::vector<SweepRun> make_sweep_runs(const ArenaView& arenas) {
  std::vector<SweepRun> runs;
  for (const Segment& segment : arenas.segments) {
    const bool is_alike = !runs.empty() && runs.back().has_weight_decay == segment.has_weight_decay &&
                          runs.back().lr_scale == segment.lr_scale;
    if (is_alike) continue;
    if (!runs.empty()) runs.back().elements.end = segment.offset;
    runs.push_back({{segment.offset, 0}, segment.has_weight_decay, segment.lr_scale});
  }
  if (!runs.empty()) runs.back().elements.end = arenas.trainable_count;
  return runs;
}

// visit(part of a run that lies in `share`, the run).
template <class Visit>
void for_runs_in(std::span<const SweepRun> runs, Range share, const Visit& visit) {
  for (const SweepRun& run : runs) {
    const Range part{std::max(run.elements.begin, share.begin), std::min(run.elements.end, share.end)};
    if (!part.is_empty()) visit(part, run);
  }
}

}  // namespace gyrus::backend::cpu
