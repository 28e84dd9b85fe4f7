#include "backend/cpu/threads.h"

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace gyrus::backend::cpu {
namespace {

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
  if (requested > 0) return requested;
  // Parsed here and not taken from omp_get_max_threads(): that one also reflects earlier omp_set_num_threads() calls.
  if (const char* value = std::getenv("OMP_NUM_THREADS")) {
    const int threads = std::atoi(value);
    if (threads > 0) return threads;
  }
  return usable_cpus();
}

void use_threads(int threads) {
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
}

}  // namespace gyrus::backend::cpu
