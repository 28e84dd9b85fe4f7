// Timing of the same work on several threads at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

#include "backend/cpu/simd/team.h"

namespace gyrus::bench {

using backend::cpu::Range;
using backend::cpu::Team;

// Many short repeats: one of them meets no other program.
inline constexpr int kRepeats = 24;

// Runs work(Team, repeat) on all threads, kRepeats times; each counts from when all are ready to when all are done.
// Returns the shortest, in seconds: a limit is what the machine can do when nothing disturbs it.
template <class Work>
double best_seconds(int threads, const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  backend::cpu::run_team(threads, [&](const Team& team) {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      team.barrier();
      const auto start = Clock::now();
      work(team, repeat);
      team.barrier();
      const std::chrono::duration<double> elapsed = Clock::now() - start;
      if (team.index == 0) best = std::min(best, elapsed.count());
    }
  });
  return best;
}

}  // namespace gyrus::bench
