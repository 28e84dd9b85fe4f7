// How a window product's output positions are divided into blocks whose part of x fits in the L2 cache as f32, and
// where in the copied block each position's window begins.
#pragma once

#include <cstdint>

#include "backend/cpu/simd/window_product.h"

namespace gyrus::backend::cpu {

// A block: `images` whole images, or `band` rows of the output of one image. A pointwise product has no images: its
// rows are one run, divided at multiples of `rows`.
struct WindowBlocks {
  explicit WindowBlocks(const WindowProductShape& shape, int threads);

  std::int64_t count = 0;  // of blocks
  std::int64_t images = 1, band = 1;
  std::int64_t rows = 0;           // output positions of a full block
  std::int64_t padded_width = 0;   // pixels of a copied row
  std::int64_t copied_floats = 0;  // of a full block; 0 where rows are used as they lie
  bool is_copied = true;
};

}  // namespace gyrus::backend::cpu
