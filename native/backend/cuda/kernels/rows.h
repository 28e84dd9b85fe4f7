// Kernels over the rows of a [rows, width] array: one warp a row, or one block a row.
#pragma once

#include "backend/cuda/kernels/device.h"

namespace gyrus::backend::cuda {

inline constexpr int kWarpsPerBlock = 8;

// Row of a thread's warp, when a block has kWarpsPerBlock of them.
GYRUS_DEVICE std::int64_t warp_row(const Thread& thread) { return thread.block() * kWarpsPerBlock + thread.warp(); }
inline std::int64_t warp_row_blocks(std::int64_t rows) { return divide_up(rows, kWarpsPerBlock); }

// Calls visit(width constant, at) for the elements of a row that are this lane's: kWidth neighbours at a time where
// rows divide into such (a whole number of accesses), else one.
template <int kWidth, class Visit>
GYRUS_DEVICE void for_lane(int lane, std::int64_t width, const Visit& visit) {
  for (std::int64_t at = std::int64_t{lane} * kWidth; at < width; at += 32 * kWidth) visit(Width<kWidth>{}, at);
}

// The sum over all threads of a block of 256, in f64: warps by butterfly, then warp after warp. Every thread gets it.
GYRUS_DEVICE double block_sum(const Thread& thread, double value) {
  GYRUS_SHARED(double, warp_sums, 8);
  const double of_warp = thread.warp_sum(value);
  if (thread.lane() == 0) warp_sums[thread.warp()] = of_warp;
  thread.sync();
  double sum = 0;
  for (int warp = 0; warp < 8; ++warp) sum += warp_sums[warp];
  thread.sync();
  return sum;
}

// The largest number of a block of 256; NaNs are passed over.
GYRUS_DEVICE float block_max(const Thread& thread, float value) {
  GYRUS_SHARED(float, warp_tops, 8);
  const float of_warp = thread.warp_max(value);
  if (thread.lane() == 0) warp_tops[thread.warp()] = of_warp;
  thread.sync();
  float top = warp_tops[0];
  for (int warp = 1; warp < 8; ++warp) {
    const float other = warp_tops[warp];
    if (other > top) top = other;
  }
  thread.sync();
  return top;
}

}  // namespace gyrus::backend::cuda
