// How many threads compute: what is asked for, or what the environment and the machine say.
#pragma once

namespace gyrus {

// As many CPUs as a cpu_set_t has. A system refuses to start far more threads, and OpenMP ends the process when it
// does.
constexpr int kMostThreads = 1024;

// `requested` if positive; else OMP_NUM_THREADS if it is set; else the CPUs that this process may use. Throws
// Code::invalid_argument for more than kMostThreads.
int resolve_threads(int requested);

}  // namespace gyrus
