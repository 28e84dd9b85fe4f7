// Work for the measurements in f32, compiled for each instruction set and dispatched to the best that this CPU has.
#pragma once

#include <cstdint>

namespace gyrus::bench {

// `rounds` rounds of multiply-adds that wait for nothing but the arithmetic units. Returns the floating-point
// operations done. `sink` takes a result, so that the compiler cannot leave the work out.
double multiply_add_f32(std::int64_t rounds, volatile float* sink);

// Copies `count` numbers, a multiple of kCopyGrain; both arrays are aligned to 64 bytes. `is_streamed`: past the
// caches, so that lines which are going to be overwritten are not read first.
inline constexpr std::int64_t kCopyGrain = 64;
void copy_f32(const float* from, float* to, std::int64_t count, bool is_streamed);

}  // namespace gyrus::bench
