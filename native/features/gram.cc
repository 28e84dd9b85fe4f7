// dim (dim + 1) operations a row. Rows are copied, 64 at a time, into panels of 64 columns, 16 KB each, which the L1
// cache holds while 64 columns are multiplied by 64; the products of 4 columns with 64 stay in registers.
#include "features/gram.h"

#include <algorithm>

#include "core/error.h"
#include "features/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "features/gram.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::features {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kPanel = 64, kTileRows = 4, kTileVectors = 4;

// sums [64, 64] += a^T b for panels [depth, 64].
void multiply_panels(const float* a, const float* b, std::size_t depth, float* sums) {
  const hn::CappedTag<float, 16> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t column = 0; column < kPanel; column += kTileVectors * lanes) {
    for (std::size_t row = 0; row < kPanel; row += kTileRows) {
      hn::Vec<decltype(d)> tile[kTileRows][kTileVectors];
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kTileVectors; ++v) tile[r][v] = hn::Zero(d);
      }
      for (std::size_t k = 0; k < depth; ++k) {
        const float* const left = a + k * kPanel + row;
        const float* const right = b + k * kPanel + column;
        hn::Vec<decltype(d)> values[kTileVectors];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kTileVectors; ++v) values[v] = hn::LoadU(d, right + v * lanes);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < kTileRows; ++r) {
          const auto factor = hn::Set(d, left[r]);
#pragma GCC unroll 4
          for (std::size_t v = 0; v < kTileVectors; ++v) tile[r][v] = hn::MulAdd(factor, values[v], tile[r][v]);
        }
      }
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kTileVectors; ++v) {
          float* const to = sums + (row + r) * kPanel + column + v * lanes;
          hn::StoreU(hn::Add(hn::LoadU(d, to), tile[r][v]), d, to);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::features
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::features {
namespace {

HWY_EXPORT(multiply_panels);

constexpr std::size_t kSide = 64, kDepth = 64;

}  // namespace

std::vector<float> gram(std::span<const float> rows, std::size_t dim, std::size_t step, int threads) {
  GYRUS_ASSERT(dim > 0 && step > 0 && rows.size() % dim == 0 && !rows.empty());
  const std::size_t taken = (rows.size() / dim + step - 1) / step, panels = (dim + kSide - 1) / kSide;
  const std::size_t pairs = panels * (panels + 1) / 2;
  std::vector<float> blocks(pairs * kSide * kSide), packed(panels * kDepth * kSide), result(dim * dim);
  // Of each pair of panels, the one further down first.
  std::vector<std::pair<std::size_t, std::size_t>> order;
  for (std::size_t a = 0; a < panels; ++a) {
    for (std::size_t b = 0; b <= a; ++b) order.emplace_back(a, b);
  }
  for (std::size_t first = 0; first < taken; first += kDepth) {
    const std::size_t depth = std::min(kDepth, taken - first);
    for_pieces(panels, threads, [&](std::size_t panel) {
      const std::size_t column = panel * kSide, width = std::min(kSide, dim - column);
      for (std::size_t k = 0; k < depth; ++k) {
        std::copy_n(&rows[(first + k) * step * dim + column], width, &packed[(panel * kDepth + k) * kSide]);
      }
    });
    for_pieces(pairs, threads, [&](std::size_t pair) {
      const auto [a, b] = order[pair];
      HWY_DYNAMIC_DISPATCH(multiply_panels)
      (&packed[a * kDepth * kSide], &packed[b * kDepth * kSide], depth, &blocks[pair * kSide * kSide]);
    });
  }
  for_pieces(pairs, threads, [&](std::size_t pair) {
    const auto [a, b] = order[pair];
    const std::size_t height = std::min(kSide, dim - a * kSide), width = std::min(kSide, dim - b * kSide);
    for (std::size_t r = 0; r < height; ++r) {
      for (std::size_t c = 0; c < width; ++c) {
        result[(a * kSide + r) * dim + b * kSide + c] =
            blocks[(pair * kSide + r) * kSide + c] / static_cast<float>(taken);
      }
    }
  });
  return result;
}

}  // namespace gyrus::features
#endif
