#include "core/threads.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "core/error.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace gyrus {
namespace {

constexpr const char* kVariable = "OMP_NUM_THREADS";

int usable_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int resolve_threads(int requested) {
  GYRUS_CHECK(requested <= kMostThreads, Code::invalid_argument, "threads is ", requested, "; take at most ",
              kMostThreads, ", or leave it out to use all that there are");
  if (requested > 0) return requested;
  // Parsed here and not taken from omp_get_max_threads(): that one also reflects earlier omp_set_num_threads() calls.
  if (const char* value = std::getenv(kVariable)) {
    const long threads = std::strtol(value, nullptr, 10);  // "8,4" asks for 8 in the outermost teams
    GYRUS_CHECK(threads <= kMostThreads, Code::invalid_argument, kVariable, " is '", value, "'; set it to at most ",
                kMostThreads, ", or unset it to use all processors");
    if (threads > 0) return static_cast<int>(threads);
  }
  return std::min(usable_cpus(), kMostThreads);
}

}  // namespace gyrus
