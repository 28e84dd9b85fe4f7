// The extents of a convolution, taken from a node of any of its three kinds.
#pragma once

#include <cstdint>

#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

struct ConvGeometry {
  std::int64_t n = 0, h = 0, w = 0, ci = 0;  // x [N, H, W, Ci]
  std::int64_t oh = 0, ow = 0, co = 0;       // y [N, OH, OW, Co]
  std::int64_t kh = 0, kw = 0;               // w [Co, Ci, KH, KW]
  std::int64_t stride = 1, padding = 0;

  // A matrix product over the rows of x and y, position by position.
  bool is_pointwise() const { return kh == 1 && kw == 1 && padding == 0; }
};

// `x` and `y` are the shapes of the convolution's input and output, whatever the node itself reads and writes.
inline ConvGeometry conv_geometry(const NodeContext& node, const Shape& x, const Shape& y) {
  const auto& attrs = node.attrs<graph::Conv2dAttrs>();
  GYRUS_ASSERT(x.rank() == 4 && y.rank() == 4);
  return {x[0],         x[1],         x[2], x[3], y[1], y[2], y[3], attrs.kernel_height, attrs.kernel_width,
          attrs.stride, attrs.padding};
}

}  // namespace gyrus::backend::cpu
