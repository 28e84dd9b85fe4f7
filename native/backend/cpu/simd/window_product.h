// Convolutions, their input gradients and linear layers as one product: y[m, :] = sum over the window of output
// position m of x[...] times w, in f32 arithmetic whatever the activations are stored in. bf16 is widened where the
// rows are copied for the window, so a processor whose bf16 instructions are slow, or missing, loses nothing by it.
//
// The weights are packed by a step of their own into panels of columns (pack_panels.h), which a register tile reads
// vector by vector; an image is copied, padded with zeros, so that a window row of KW pixels is one run of KW C numbers
// and no position needs a test for the border. Where rows are used as they lie (a dense 1x1 product in f32) nothing is
// copied.
#pragma once

#include <cstdint>

#include "backend/cpu/conv_geometry.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cpu {

struct WindowProductShape {
  std::int64_t n = 0, h = 0, w = 0, channels = 0;  // x [N, H, W, C]
  std::int64_t oh = 0, ow = 0, columns = 0;        // y [N, OH, OW, columns]
  std::int64_t kh = 1, kw = 1, stride = 1;
  std::int64_t top = 0, left = 0;  // rows and columns of zeros before the image
  DType dtype = DType::f32;        // of x and y
  bool is_gradient = false;        // w [C, columns, KH, KW] is read flipped and transposed
  bool has_bias = false;           // input 2, f32 [columns]
  bool has_gelu = false;           // output 0 = gelu(output 1)

  bool is_pointwise() const { return kh == 1 && kw == 1 && top == 0 && left == 0; }
  std::int64_t rows() const { return n * oh * ow; }
  std::int64_t inner() const { return kh * kw * channels; }
};

// y = conv(x, w) + b.
WindowProductShape forward_product(const ConvGeometry& g, DType dtype, bool has_bias);
// dx of a convolution with stride 1, whose `x` is dy.
WindowProductShape gradient_product(const ConvGeometry& g, DType dtype);
// x [rows, inner] times w [columns, inner] transposed, or, as a gradient, times w [inner, columns].
WindowProductShape linear_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType dtype);

// Inputs x, w (f32, packed), b; outputs y (and what the gelu is taken of).
LoweredKernel make_window_product(const WindowProductShape& shape, int threads);

}  // namespace gyrus::backend::cpu
