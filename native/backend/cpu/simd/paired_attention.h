// Attention and its gradient in bf16 by AVX512_BF16's products of pairs.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/attention_geometry.h"

namespace gyrus::backend::cpu {

// Whether the processor's vectors are long enough (it must also have AVX512_BF16), and pairs divide the heads.
bool takes_paired_attention(const AttentionGeometry& geometry);
// Input qkv [N, T, 3D]; outputs y [N, T, D] and the probabilities [N, heads, T, T], all bf16.
std::unique_ptr<Kernel> make_paired_attention(const AttentionGeometry& geometry, int threads);
// Inputs dy, qkv, probabilities; output dqkv, all bf16.
std::unique_ptr<Kernel> make_paired_attention_grad(const AttentionGeometry& geometry, int threads);

}  // namespace gyrus::backend::cpu
