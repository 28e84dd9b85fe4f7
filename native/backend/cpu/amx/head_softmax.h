// Softmax and its gradient over the rows of a block of scores, for one core with AVX-512.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace gyrus::backend::cpu::amx {

// Columns of a block beyond `columns` are padding; rows are `padded` numbers apart in scores and local arrays.
struct ScoreRows {
  std::int64_t rows = 0, columns = 0, padded = 0;
};

// p = softmax(scale s): to `probabilities` [rows][columns] and to `local` [rows][padded], zero in the padding.
// s is used up. scale > 0.
void softmax_block(float* s, float scale, const ScoreRows& shape, bf16_t* probabilities, bf16_t* local);

// ds = scale p (dp - sum_j p_j dp_j), to [rows][padded], zero in the padding. p [rows][columns].
void softmax_grad_block(const bf16_t* p, const float* dp, float scale, const ScoreRows& shape, bf16_t* ds);

}  // namespace gyrus::backend::cpu::amx
