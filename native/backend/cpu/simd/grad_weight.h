// dw of convolutions and linear layers in f32 arithmetic, from activations in f32 or bf16.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/conv_geometry.h"

namespace gyrus::backend::cpu {

// Inputs x [N,H,W,Ci] and dy [N,OH,OW,Co] of type `compute`, output dw [Co,Ci,KH,KW] f32. A linear layer is a 1x1
// convolution over images of one pixel.
std::unique_ptr<Kernel> make_grad_weight(const ConvGeometry& geometry, DType compute, int threads);

}  // namespace gyrus::backend::cpu
