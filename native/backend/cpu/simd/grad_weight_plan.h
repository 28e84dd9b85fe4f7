// How the gradient of a convolution's weight, dw[co][ci][kh][kw] = sum over (n, oh, ow) of dy[n,oh,ow,co]
// x[n,ih,iw,ci], becomes products of small tiles. Positions of dy are taken a chunk at a time: dy's part is packed in
// panels of whole vectors of output channels, x's part as zero-padded rows of pixels, in groups of 16 channels, so that
// a tap of the kernel is an offset into it. The sums of a block of output channels by groups stay in the L2 cache from
// chunk to chunk.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/conv_geometry.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {

// Output channels and groups of x's channels whose sums are formed together.
struct SumBlock {
  Range outputs, groups;
};

struct GradWeightPlan {
  // At most so many positions a chunk: 64 output channels of it (28 KB) and a group of x's (7 KB) share an L1 cache.
  static constexpr std::int64_t kChunkPositions = 112;

  ConvGeometry g;  // a product without neighbours is one image of one row
  // Fewer than 16 input channels: the one group has the channels [kw, ci], which lie side by side in a row of x.
  bool has_columns_as_channels = false;
  std::int64_t taps = 1;                       // KH KW, or KH
  std::int64_t channels = 0;                   // of x as the product sees it
  std::int64_t group = 0;                      // channels a group
  std::int64_t pixel = 0;                      // floats from one packed position to the next
  std::int64_t row_step = 1, column_step = 1;  // packed positions from one output to the next

  // A chunk is some rows of dy (of all images, counted through) or a part of one row.
  std::int64_t chunk_rows = 0, chunk_columns = 0, column_parts = 1;
  std::int64_t x_group_floats = 0;  // one group of a packed chunk

  std::int64_t output_block = 0, group_block = 0;        // extents of a SumBlock; the first is a multiple of 64
  int output_parts = 1, group_parts = 1, row_parts = 1;  // how the threads share the work

  // For the elements of one output channel and one group in dw's order: which row of the group's sums each one is.
  std::vector<std::int32_t> sum_rows;

  std::int64_t rows() const { return g.n * g.oh; }
  std::int64_t groups() const { return (channels + group - 1) / group; }
  std::int64_t chunks() const { return (rows() + chunk_rows - 1) / chunk_rows * column_parts; }
  std::int64_t chunk_positions() const { return chunk_rows * chunk_columns; }
  std::int64_t pitch(std::int64_t columns) const { return (columns - 1) * column_step + g.kw; }
  std::int64_t group_width(std::int64_t index) const { return std::min(group, channels - index * group); }
  int parts() const { return output_parts * group_parts * row_parts; }

  // Sizes in floats of what a thread needs: packed operands, and the sums of a block or, where the rows are divided, of
  // everything.
  std::int64_t x_floats() const { return group_block * x_group_floats; }
  std::int64_t dy_floats() const { return output_block * chunk_positions(); }
  std::int64_t sum_floats() const;
  // Where a block's sums begin.
  std::int64_t sum_offset(const SumBlock& block) const;

  // The share of a part: parts that differ only in the rows come one after another.
  SumBlock share(int part) const;
  Range chunk_share(int part) const;
  // body(SumBlock) for each block of a share, always in the same order.
  template <class Body>
  void for_blocks(const SumBlock& share, const Body& body) const {
    for (std::int64_t o = share.outputs.begin; o < share.outputs.end; o += output_block) {
      const Range outputs{o, std::min(o + output_block, share.outputs.end)};
      for (std::int64_t i = share.groups.begin; i < share.groups.end; i += group_block)
        body(SumBlock{outputs, {i, std::min(i + group_block, share.groups.end)}});
    }
  }
};

GradWeightPlan plan_grad_weight(const ConvGeometry& geometry, int threads);

}  // namespace gyrus::backend::cpu
