// How the gradient of a convolution's weight, dw[co][ci][kh][kw] = sum over (n, oh, ow) of dy[n,oh,ow,co]
// x[n,ih,iw,ci], becomes products of tiles. Images are taken two at a time: the pair of numbers that a tile holds side
// by side comes from the same position of both, so that a tap of the kernel is nothing but an offset into the packed x.
// Rows of positions have the same pitch in dy and x; where dy has no column it is zero. x is split into stride x stride
// phases, so that a step of one position in dy is one in each phase.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/conv_geometry.h"

namespace gyrus::backend::cpu::amx {

// One element of the kernel, or a row of it when the kernel's columns count as channels.
struct Tap {
  std::size_t phase = 0;
  std::int64_t offset = 0;  // positions
};

// The positions (i stride + row, j stride + column) of the padded image.
struct Phase {
  std::int64_t row = 0, column = 0;
  std::int64_t extra_rows = 0;  // how many rows beyond dy's the taps reach
};

struct GradWeightPlan {
  // Of a product without neighbours (linear; 1x1, stride 1) all rows count as two images of one row of positions.
  ConvGeometry g;
  bool is_pointwise = false;
  bool is_second_shorter = false;  // pointwise only: the number of rows is odd
  // Few input channels: x's channels are then [kw, ci], which lie side by side in a row of an NHWC image.
  bool has_columns_as_channels = false;
  std::int64_t channels = 0;  // of x as the product sees it
  std::int64_t pitch = 0;     // positions from row to row
  std::vector<Phase> phases;
  std::vector<Tap> taps;
  // A unit is `unit_rows` rows (pointwise: `unit_columns` positions) of dy of a pair of images.
  std::int64_t pairs = 0, unit_rows = 0, row_units = 0, unit_columns = 0, column_units = 0;
  // The products of so many units are summed in tile registers before the sums go to memory.
  std::int64_t units_a_visit = 1;

  std::int64_t units() const { return pairs * row_units * column_units; }
  std::int64_t unit_positions() const { return is_pointwise ? unit_columns : unit_rows * pitch; }
  std::int64_t unit_steps() const { return (unit_positions() + 15) / 16; }  // multiply_add takes 16 positions
  std::int64_t a_groups() const { return (g.co + 31) / 32; }
  std::int64_t b_groups() const { return (channels + 31) / 32; }
  std::int64_t tap_count() const { return static_cast<std::int64_t>(taps.size()); }
  std::int64_t block_count() const { return a_groups() * b_groups() * tap_count(); }  // of 32 x 32 sums
};

GradWeightPlan plan_grad_weight(const ConvGeometry& geometry);

}  // namespace gyrus::backend::cpu::amx
