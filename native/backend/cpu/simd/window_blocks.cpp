#include "backend/cpu/simd/window_blocks.h"

#include <algorithm>

namespace gyrus::backend::cpu {
namespace {

// Numbers of x as f32 that one thread works on at a time, beside a part of a panel in an L2 cache of 1 to 2 MB: rows
// that meet all panels one after the other, and windows, which read each number several times and have more weights to
// share.
constexpr std::int64_t kRowFloats = 96 * 1024, kWindowFloats = 192 * 1024;
// Positions: more would only make the table of their addresses long.
constexpr std::int64_t kBlockRows = 1536;

// Rows of f32 from this length on are copied as well: read one after the other they come from memory faster than six
// at a time, and a power of two apart they would share few sets of the cache.
constexpr std::int64_t kCopiedFrom = 512;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The largest number of pieces up to `most` that makes blocks of near-equal size, at least one a thread.
std::int64_t even_share(std::int64_t total, std::int64_t most, std::int64_t threads) {
  const std::int64_t blocks = divide_up(divide_up(total, std::max<std::int64_t>(most, 1)), threads) * threads;
  return std::max<std::int64_t>(divide_up(total, std::max<std::int64_t>(blocks, 1)), 1);
}

}  // namespace

WindowBlocks::WindowBlocks(const WindowProductShape& s, int threads) {
  if (s.is_pointwise()) {
    is_copied = s.dtype != DType::f32 || s.channels >= kCopiedFrom;
    const std::int64_t most = std::clamp<std::int64_t>(kRowFloats / s.channels, 6, kBlockRows);
    // Multiples of the register tile's rows, but for the last block.
    rows = divide_up(even_share(s.rows(), most, threads), 6) * 6;
    count = divide_up(s.rows(), rows);
    copied_floats = is_copied ? rows * (s.channels + 16) : 0;
    return;
  }
  padded_width = (s.ow - 1) * s.stride + s.kw;
  const auto floats = [&](std::int64_t output_rows) {
    return ((output_rows - 1) * s.stride + s.kh) * padded_width * s.channels;
  };
  const std::int64_t images_at_most = std::min(kWindowFloats / floats(s.oh), kBlockRows / (s.oh * s.ow));
  if (images_at_most >= 1) {
    band = s.oh;
    images = even_share(s.n, images_at_most, threads);
    count = divide_up(s.n, images);
  } else {
    std::int64_t most = s.oh;
    while (most > 1 && (floats(most) > kWindowFloats || most * s.ow > kBlockRows)) --most;
    band = even_share(s.oh, most, 1);
    count = s.n * divide_up(s.oh, band);
  }
  rows = images * band * s.ow;
  copied_floats = images * floats(band);
}

}  // namespace gyrus::backend::cpu
