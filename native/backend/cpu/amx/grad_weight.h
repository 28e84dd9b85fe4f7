// dw of convolutions and linear layers in bf16 on AMX: 2 to 5 times as fast as oneDNN's kernels for it.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/conv_geometry.h"

namespace gyrus::backend::cpu::amx {

// Inputs x [N,H,W,Ci] bf16 and dy [N,OH,OW,Co] bf16, output dw [Co,Ci,KH,KW] f32. A linear layer is a 1x1 convolution
// over images of one pixel.
std::unique_ptr<Kernel> make_grad_weight(const ConvGeometry& geometry, int threads);

}  // namespace gyrus::backend::cpu::amx
