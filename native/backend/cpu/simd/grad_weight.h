// dw of convolutions and linear layers from activations in f32 or bf16: in f32 arithmetic, or in pairs of bf16.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/conv_geometry.h"

namespace gyrus::backend::cpu {

// Inputs x [N,H,W,Ci] and dy [N,OH,OW,Co] of type `compute`, output dw [Co,Ci,KH,KW] f32. A linear layer is a 1x1
// convolution over images of one pixel.
std::unique_ptr<Kernel> make_grad_weight(const ConvGeometry& geometry, DType compute, int threads);

// The same for bf16 by AVX512_BF16's products of pairs, which are as fast as oneDNN's or faster by a quarter where the
// processor does two a cycle. Requires has_long_vectors() and AVX512_BF16.
std::unique_ptr<Kernel> make_paired_grad_weight(const ConvGeometry& geometry, int threads);

// Whether that is faster than oneDNN's convolution kernel in f32 (or than both its kernels in bf16 where bf16 is slow).
// With few positions the sums' way through memory costs more than the products; oneDNN writes dw directly.
inline bool beats_dnnl(const ConvGeometry& g) { return g.n * g.oh * g.ow >= 512; }

// The same of pairs. The images are the pairs' halves: of one image there are none.
inline bool pairs_beat_dnnl(const ConvGeometry& g) {
  return beats_dnnl(g) && (g.n > 1 || (g.is_pointwise() && g.stride == 1));
}

}  // namespace gyrus::backend::cpu
