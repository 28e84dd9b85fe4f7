// Tensor cores on the host: kernels/mma.h's functions, from PTX's description of the fragments. Products are exact and
// sums are rounded once; a GPU's are rounded in an order that NVIDIA does not tell.
#pragma once

#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/mma_tiles.h"
#include "core/error.h"

namespace gyrus::backend::cuda {

// Element `half` of a word.
inline float half_of(std::uint32_t word, int half) {
  return to_float(bf16_t{static_cast<std::uint16_t>(half == 0 ? word & 0xffffU : word >> 16U)});
}

inline std::uint32_t rounded_pair(float low, float high) {
  return std::uint32_t{to_bf16(low).bits} | std::uint32_t{to_bf16(high).bits} << 16U;
}

inline void multiply_add(const Thread& thread, SumTile& sums, const LeftTile& left, const RightTile& right,
                         std::uint32_t line = __builtin_LINE()) {
  struct Words {
    std::uint32_t at[2];
  };
  Words upper[32], lower[32], column[32];
  thread.exchange(Words{{left.at[0], left.at[1]}}, upper, line);
  thread.exchange(Words{{left.at[2], left.at[3]}}, lower, line);
  thread.exchange(Words{{right.at[0], right.at[1]}}, column, line);
  const int g = thread.lane() / 4, t = thread.lane() % 4;
  for (int i = 0; i < 4; ++i) {
    const int is_low_row = i / 2, n = 2 * t + i % 2;
    double sum = static_cast<double>(sums.at[i]);
    for (int k = 0; k < 16; ++k) {
      const int holder = k % 8 / 2;  // of (row, k) and of (k, n), by its number within the four
      const Words& of_row = (k < 8 ? upper : lower)[4 * g + holder];
      const float a = half_of(of_row.at[is_low_row], k % 2), b = half_of(column[4 * n + holder].at[k / 8], k % 2);
      sum += static_cast<double>(a) * static_cast<double>(b);
    }
    sums.at[i] = static_cast<float>(sum);
  }
}

inline RightTile load_down(const Thread& thread, const SharedArray<std::uint32_t>& shared, int first, int stride) {
  GYRUS_ASSERT(first % 4 == 0 && stride % 4 == 0);  // ldmatrix wants rows at multiples of 16 bytes
  const int g = thread.lane() / 4, t = thread.lane() % 4;
  const auto element = [&](int k) {
    const std::uint32_t word = shared[first + k * stride + g / 2];
    return g % 2 == 0 ? word & 0xffffU : word >> 16U;
  };
  return {{element(2 * t) | element(2 * t + 1) << 16U, element(2 * t + 8) | element(2 * t + 9) << 16U}};
}

inline void store_words(const SharedArray<std::uint32_t>& shared, int at, const Chunk<bf16_t, 8>& chunk) {
  GYRUS_ASSERT(at % 4 == 0);
  std::uint32_t words[4];
  std::memcpy(words, &chunk, sizeof words);
  for (int i = 0; i < 4; ++i) shared[at + i] = words[i];
}

}  // namespace gyrus::backend::cuda
