// The gradient of a convolution's weights out of the order in which oneDNN's kernels leave it.
#pragma once

#include <cstdint>
#include <memory>

#include "backend/backend.h"

namespace gyrus::backend::cpu {

// f32 [rows / 16][columns / 16][taps][16 columns][16 rows] -> [rows, columns, taps]; both multiples of sixteen.
struct BlockedShape {
  std::int64_t rows = 0, columns = 0, taps = 1;
};

// in[0] -> out[0]. Requires has_long_vectors().
std::unique_ptr<Kernel> make_unblock(const BlockedShape& shape, int threads);

}  // namespace gyrus::backend::cpu
