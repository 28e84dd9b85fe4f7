// Weights as the right factor of a window product: [panel of columns][KH][KW C][columns of a panel] f32, the last panel
// filled up with zeros.
#pragma once

#include <cstdint>
#include <memory>

#include "backend/backend.h"
#include "backend/cpu/simd/window_product.h"

namespace gyrus::backend::cpu {

// How many columns a panel has: a register tile's width on this processor.
std::int64_t panel_columns();

inline std::int64_t panel_count(const WindowProductShape& shape) {
  return (shape.columns + panel_columns() - 1) / panel_columns();
}

// Input: w f32, [columns, C, KH, KW], or as a gradient [C, columns, KH, KW] with the window turned round. Output:
// panels.
std::unique_ptr<Kernel> make_pack_panels(const WindowProductShape& shape, int threads);

}  // namespace gyrus::backend::cpu
