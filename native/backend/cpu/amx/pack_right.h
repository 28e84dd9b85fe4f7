// Weights (f32) as right operands of products of rows, in bf16: [group of 32 columns][step of 32 inner][2] tiles of
// [16 pairs of inner][16 columns][2].
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu::amx {

inline constexpr std::int64_t group_bytes(std::int64_t inner) { return inner * 64; }

// The given groups, from w [columns][inner].
void pack_transposed(const float* w, std::int64_t inner, const Range& groups, std::byte* to);
// The given groups, from w [inner][columns].
void pack_plain(const float* w, std::int64_t inner, std::int64_t columns, const Range& groups, std::byte* to);

}  // namespace gyrus::backend::cpu::amx
