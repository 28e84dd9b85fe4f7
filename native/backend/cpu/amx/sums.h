// The sums of a weight's gradient while they are formed: blocks of 32 output channels by 32 channels of x, four tiles
// each, in the order [output group][channel group][tap][parity of output channel][parity of channel][16][16] f32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/amx/grad_weight_plan.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu::amx {

inline constexpr std::int64_t kBlockBytes = 4096;

// The operands of one block of sums, from each of several units.
struct Products {
  const std::byte *a = nullptr, *b = nullptr;  // first block of 16 channels; the second one is *_block_bytes behind
  std::int64_t a_block_bytes = 0, b_block_bytes = 0;
  std::int64_t units = 0, a_unit_bytes = 0, b_unit_bytes = 0;
  std::int64_t steps = 0;  // tiles of 16 pairs of positions a unit
  bool is_first = false;   // the block's sums start here
};

// block (+)= the products' sum. Needs a TileScope.
void add_block(const Products& products, std::byte* block);

// Arrays of blocks, one for each part of the units; the first block of the pairs that are to be written.
struct SumCopies {
  const std::byte* first = nullptr;
  std::int64_t count = 0, bytes = 0;  // bytes from one to the next
};

// dw [Co, Ci, KH, KW] = the total of the copies, for the given pairs (output group, channel group) in the blocks'
// order.
void write_sums(const GradWeightPlan& plan, const SumCopies& sums, const Range& pairs, float* dw);

}  // namespace gyrus::backend::cpu::amx
