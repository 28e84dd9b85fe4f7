// Products of small blocks of bf16 on tensor cores, a warp each: sums [16, 8] += left [16, 16] right [16, 8]. Which
// elements a thread holds is what PTX says of mma.m16n8k16; with g = lane / 4 and t = lane % 4:
//   LeftTile   at[0] (g, 2t), at[1] (g + 8, 2t), at[2] (g, 2t + 8), at[3] (g + 8, 2t + 8): each with its right
//              neighbour, which is the upper half of the word
//   RightTile  at[0] (2t, g), at[1] (2t + 8, g): each with the element below it
//   SumTile    at[0], at[1] (g, 2t), (g, 2t + 1); at[2], at[3] the same of row g + 8
// So two SumTiles side by side, rounded, are a LeftTile: scores become weights without leaving the registers.
//
// Blocks of the right factor come from shared arrays of words, two elements each, whose rows begin at multiples of 16
// bytes. On the host the tests include functions of the same names beforehand (tests/cuda/emulated_mma.h).
#pragma once

#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/mma_tiles.h"

#ifndef GYRUS_EMULATES_CUDA

namespace gyrus::backend::cuda {

__device__ __forceinline__ void multiply_add(const Thread&, SumTile& sums, const LeftTile& left,
                                             const RightTile& right) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums.at[0]), "+f"(sums.at[1]), "+f"(sums.at[2]), "+f"(sums.at[3])
      : "r"(left.at[0]), "r"(left.at[1]), "r"(left.at[2]), "r"(left.at[3]), "r"(right.at[0]), "r"(right.at[1]));
}

// The block whose row k begins at word `first + k stride`.
__device__ __forceinline__ RightTile load_down(const Thread& thread, const std::uint32_t* shared, int first,
                                               int stride) {
  const auto row = static_cast<unsigned>(__cvta_generic_to_shared(shared + first + thread.lane() % 16 * stride));
  RightTile right;
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(right.at[0]), "=r"(right.at[1])
               : "r"(row)
               : "memory");
  return right;
}

// Eight elements to the four words from `at`.
__device__ __forceinline__ void store_words(std::uint32_t* shared, int at, const Chunk<bf16_t, 8>& chunk) {
  *reinterpret_cast<Chunk<bf16_t, 8>*>(shared + at) = chunk;
}

__device__ __forceinline__ std::uint32_t rounded_pair(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  std::uint32_t word;
  memcpy(&word, &pair, sizeof word);
  return word;
}

}  // namespace gyrus::backend::cuda
#endif

namespace gyrus::backend::cuda {

// The block whose column n is the row that begins at word `first + n stride`.
template <class Shared>
GYRUS_DEVICE RightTile load_across(const Thread& thread, const Shared& shared, int first, int stride) {
  const int at = first + thread.lane() / 4 * stride + thread.lane() % 4;
  return {{shared[at], shared[at + 4]}};
}

// Two blocks side by side, rounded.
GYRUS_DEVICE LeftTile rounded_tile(const SumTile& one, const SumTile& other) {
  return {{rounded_pair(one.at[0], one.at[1]), rounded_pair(one.at[2], one.at[3]),
           rounded_pair(other.at[0], other.at[1]), rounded_pair(other.at[2], other.at[3])}};
}

}  // namespace gyrus::backend::cuda
