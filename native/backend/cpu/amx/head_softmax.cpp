#include "backend/cpu/amx/head_softmax.h"

#include <limits>

#include "backend/cpu/amx/gelu_terms.h"
#include "backend/cpu/amx/intrinsics.h"
#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::backend::cpu::amx {
namespace {

GYRUS_AMX_TARGET inline __mmask16 lanes_below(std::int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffU : count <= 0 ? 0U : (1U << count) - 1U);
}

GYRUS_AMX_TARGET inline __m512 from_bf16(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

GYRUS_AMX_TARGET inline __m256i to_bf16_bits(__m512 v) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)); }

GYRUS_AMX_TARGET void softmax_row(float* s, float scale, const ScoreRows& shape, bf16_t* p, bf16_t* local) {
  const __m512 lowest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  __m512 top = lowest;
  for (std::int64_t i = 0; i < shape.columns; i += 16) {
    top = _mm512_mask_max_ps(top, lanes_below(shape.columns - i), top, _mm512_load_ps(s + i));
  }
  // exp(scale (s - max)): the largest term is 1 and nothing overflows.
  const __m512 factor = _mm512_set1_ps(scale * 1.44269504F);
  const __m512 shift = _mm512_mul_ps(_mm512_set1_ps(_mm512_reduce_max_ps(top)), factor);
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < shape.columns; i += 16) {
    const __m512 term = _mm512_maskz_mov_ps(lanes_below(shape.columns - i),
                                            exp2_of(_mm512_fmsub_ps(_mm512_load_ps(s + i), factor, shift)));
    sum = _mm512_add_ps(sum, term);
    _mm512_store_ps(s + i, term);
  }
  const __m512 inverse = _mm512_set1_ps(1.0F / _mm512_reduce_add_ps(sum));
  for (std::int64_t i = 0; i < shape.columns; i += 16) {
    const __m256i bits = to_bf16_bits(_mm512_mul_ps(_mm512_load_ps(s + i), inverse));
    _mm256_store_si256(reinterpret_cast<__m256i*>(local + i), bits);
    _mm256_mask_storeu_epi16(p + i, lanes_below(shape.columns - i), bits);
  }
}

GYRUS_AMX_TARGET void softmax_grad_row(const bf16_t* p, const float* dp, float scale, const ScoreRows& shape,
                                       bf16_t* ds) {
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < shape.columns; i += 16) {
    const __mmask16 inside = lanes_below(shape.columns - i);
    const __m512 probability = from_bf16(_mm256_maskz_loadu_epi16(inside, p + i));
    sum = _mm512_mask3_fmadd_ps(probability, _mm512_load_ps(dp + i), sum, inside);
  }
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum)), factor = _mm512_set1_ps(scale);
  for (std::int64_t i = 0; i < shape.columns; i += 16) {
    const __mmask16 inside = lanes_below(shape.columns - i);
    const __m512 probability = from_bf16(_mm256_maskz_loadu_epi16(inside, p + i));
    const __m512 spread = _mm512_maskz_sub_ps(inside, _mm512_load_ps(dp + i), mean);
    const __m256i bits = to_bf16_bits(_mm512_mul_ps(_mm512_mul_ps(probability, factor), spread));
    _mm256_store_si256(reinterpret_cast<__m256i*>(ds + i), bits);
  }
}

// Whole vectors are written up to the first multiple of 16; this is what may remain of 32.
GYRUS_AMX_TARGET void clear_padding(const ScoreRows& shape, bf16_t* row) {
  for (std::int64_t i = (shape.columns + 15) / 16 * 16; i < shape.padded; i += 16) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(row + i), _mm256_setzero_si256());
  }
}

}  // namespace

GYRUS_AMX_TARGET void softmax_block(float* s, float scale, const ScoreRows& shape, bf16_t* probabilities,
                                    bf16_t* local) {
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    softmax_row(s + r * shape.padded, scale, shape, probabilities + r * shape.columns, local + r * shape.padded);
    clear_padding(shape, local + r * shape.padded);
  }
}

GYRUS_AMX_TARGET void softmax_grad_block(const bf16_t* p, const float* dp, float scale, const ScoreRows& shape,
                                         bf16_t* ds) {
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    softmax_grad_row(p + r * shape.columns, dp + r * shape.padded, scale, shape, ds + r * shape.padded);
    clear_padding(shape, ds + r * shape.padded);
  }
}

}  // namespace gyrus::backend::cpu::amx
