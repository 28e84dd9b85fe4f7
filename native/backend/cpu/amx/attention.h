// Attention and its gradient in bf16 on AMX: one head of one image at a time, nothing but probabilities and results
// leaves the core's cache.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/attention_geometry.h"

namespace gyrus::backend::cpu::amx {

// Heads of a multiple of 32 channels in bf16.
inline bool takes_attention(const AttentionGeometry& g) { return g.dtype == DType::bf16 && g.hd() % 32 == 0; }

std::unique_ptr<Kernel> make_attention(const AttentionGeometry& geometry, int threads);
std::unique_ptr<Kernel> make_attention_grad(const AttentionGeometry& geometry, int threads);

}  // namespace gyrus::backend::cpu::amx
