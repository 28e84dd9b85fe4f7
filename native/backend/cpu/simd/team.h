// A team of OpenMP threads that runs one kernel, and how it divides work: always in the same way for the same number of
// threads, so results do not depend on timing.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace gyrus::backend::cpu {

struct Range {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
  bool is_empty() const { return end <= begin; }
};

// Part `index` of `count` near-equal parts of [0, total), with inner bounds at multiples of `grain`.
inline Range share_of(std::int64_t total, int index, int count, std::int64_t grain = 1) {
  const std::int64_t blocks = (total + grain - 1) / grain;
  const std::int64_t begin = blocks * index / count * grain, end = blocks * (index + 1) / count * grain;
  return {std::min(begin, total), std::min(end, total)};
}

struct Team {
  int index = 0, count = 1;

  Range share(std::int64_t total, std::int64_t grain = 1) const { return share_of(total, index, count, grain); }
  // Every thread of the team must come here; afterwards each sees what the others wrote.
  void barrier() const {
    if (count > 1) {
#pragma omp barrier
    }
  }
};

// Calls body(Team) on each of at most `threads` threads.
template <class Body>
void run_team(int threads, const Body& body) {
  if (threads <= 1) {
    body(Team{});
    return;
  }
#pragma omp parallel num_threads(threads)
  body(Team{omp_get_thread_num(), omp_get_num_threads()});
}

// All threads, or one where waking the others costs more than the work. Nothing in between: libgomp ends the threads
// that a smaller team leaves over, and the next large team would have to start them anew.
inline int useful_threads(int threads, std::int64_t bytes) {
  constexpr std::int64_t kWorthATeam = 64 * 1024;  // bytes: a few microseconds of one core
  return bytes < kWorthATeam ? 1 : std::max(threads, 1);
}

// Results from this size on are written past the caches, unless they replace an operand whose lines are there already.
// Measured on copies: 8 MB lose 20 % by it, 26 MB gain 45 %.
inline constexpr std::int64_t kStreamedBytes = std::int64_t{16} << 20;

// Flat arrays are divided at multiples of this many elements: no cache line belongs to two threads.
inline constexpr std::int64_t kFlatGrain = 1024;

}  // namespace gyrus::backend::cpu
