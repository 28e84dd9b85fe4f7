// Attention and its gradient in f32 arithmetic, whole heads at a time, whatever the activations are stored in.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/attention_geometry.h"

namespace gyrus::backend::cpu {

// Input qkv [N, T, 3D]; outputs y [N, T, D] and the probabilities [N, heads, T, T].
std::unique_ptr<Kernel> make_tiled_attention(const AttentionGeometry& geometry, int threads);
// Inputs dy, qkv, probabilities; output dqkv.
std::unique_ptr<Kernel> make_tiled_attention_grad(const AttentionGeometry& geometry, int threads);

}  // namespace gyrus::backend::cpu
