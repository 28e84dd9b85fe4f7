// dw of convolutions and linear layers in f32 arithmetic, from activations in f32 or bf16.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/conv_geometry.h"

namespace gyrus::backend::cpu {

// Inputs x [N,H,W,Ci] and dy [N,OH,OW,Co] of type `compute`, output dw [Co,Ci,KH,KW] f32. A linear layer is a 1x1
// convolution over images of one pixel.
std::unique_ptr<Kernel> make_grad_weight(const ConvGeometry& geometry, DType compute, int threads);

// Whether that is faster than oneDNN's convolution kernel in f32 (or than both its kernels in bf16 where bf16 is slow).
// With few positions the sums' way through memory costs more than the products; oneDNN writes dw directly.
inline bool beats_dnnl(const ConvGeometry& g) { return g.n * g.oh * g.ow >= 512; }

}  // namespace gyrus::backend::cpu
