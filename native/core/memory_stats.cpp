#include "core/memory_stats.h"

#include <array>
#include <atomic>
#include <cstddef>

namespace gyrus {
namespace {

struct Counter {
  std::atomic<std::int64_t> now{0}, peak{0};
};

// The one piece of process-wide state: monotonic bookkeeping, no resource hangs on it.
std::array<Counter, 3>& counters() {
  static std::array<Counter, 3> all;
  return all;
}

}  // namespace

MemoryStats memory_stats() noexcept {
  const auto& all = counters();
  return {all[0].now, all[1].now, all[2].now, all[0].peak, all[1].peak, all[2].peak};
}

void count_memory(MemoryKind kind, std::int64_t bytes) noexcept {
  Counter& counter = counters()[static_cast<std::size_t>(kind)];
  const std::int64_t now = counter.now.fetch_add(bytes) + bytes;
  std::int64_t peak = counter.peak.load();
  while (now > peak && !counter.peak.compare_exchange_weak(peak, now)) {
  }
}

}  // namespace gyrus
