#include "backend/cpu/amx/row_product.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/amx/gelu_terms.h"
#include "backend/cpu/amx/pack_right.h"
#include "backend/cpu/amx/tile_product.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu::amx {
namespace {

constexpr std::int64_t kBlock = 32;
// A right operand up to this size stays in the L2 cache while all rows pass by; a larger one passes by blocks of rows
// of this size instead.
constexpr std::int64_t kCachedRight = 1280 * 1024, kCachedRows = 512 * 1024;
// Rows of up to this many numbers are multiplied where they lie; sixteen longer ones, a power of two apart, would share
// too few sets of the L1 cache, so they are copied to a distance that is none.
constexpr std::int64_t kReadInPlace = 512;
// What a finished block becomes on its way to memory.
struct Finish {
  const float* bias = nullptr;          // [columns]; may be null
  bf16_t *y = nullptr, *pre = nullptr;  // [rows, columns]; pre: what the gelu is taken of
  std::int64_t columns = 0;
  bool is_streamed = false;
};

GYRUS_AMX_TARGET inline void write_32(__m512 low, __m512 high, bool is_streamed, bf16_t* to) {
  const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
  is_streamed ? _mm512_stream_si512(reinterpret_cast<__m512i*>(to), both) : _mm512_storeu_si512(to, both);
}

// `tiles`: [row tile][column tile][16][16] f32.
template <bool kHasGelu>
GYRUS_AMX_TARGET void finish_block(const std::byte* tiles, const Finish& f, std::int64_t row, std::int64_t rows,
                                   std::int64_t column) {
  const __m512 bias_low = f.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(f.bias + column);
  const __m512 bias_high = f.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(f.bias + column + 16);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::byte* from = tiles + r / kTileRows * 2 * kTileBytes + r % kTileRows * kRowBytes;
    const __m512 low = _mm512_add_ps(_mm512_load_ps(from), bias_low);
    const __m512 high = _mm512_add_ps(_mm512_load_ps(from + kTileBytes), bias_high);
    const std::int64_t at = (row + r) * f.columns + column;
    if constexpr (kHasGelu) {
      write_32(low, high, f.is_streamed, f.pre + at);
      write_32(gelu_of(low), gelu_of(high), f.is_streamed, f.y + at);
    } else {
      write_32(low, high, f.is_streamed, f.y + at);
    }
  }
}

class RowProduct final : public Kernel {
 public:
  RowProduct(const RowProductShape& shape, int threads) : shape_(shape), threads_(threads) {
    const bool is_right_cached = shape.columns / kBlock * group_bytes(shape.inner) <= kCachedRight;
    const std::int64_t most = is_right_cached ? kBlock : kCachedRows / row_bytes() / kBlock * kBlock;
    rows_at_once_ = std::clamp(most, kBlock, (shape.rows + kBlock - 1) / kBlock * kBlock);
  }

  std::int64_t scratch_bytes() const override { return threads_ * thread_bytes(); }
  void bind(const KernelArgs& args) override;
  void run() override;

 private:
  std::int64_t row_bytes() const { return shape_.inner * 2 + kRowBytes; }
  std::int64_t thread_bytes() const { return (rows_at_once_ * row_bytes() + 4095) / 4096 * 4096; }
  void copy_rows(std::int64_t row, std::int64_t rows, std::byte* to) const;
  void multiply_rows(const Range& rows, const Range& groups, std::byte* left) const;

  RowProductShape shape_;
  int threads_;
  std::int64_t rows_at_once_ = kBlock;
  const std::byte *x_ = nullptr, *w_ = nullptr;
  Finish finish_;
  std::byte* scratch_ = nullptr;
};

void RowProduct::bind(const KernelArgs& args) {
  x_ = static_cast<const std::byte*>(args.in[0]);
  w_ = static_cast<const std::byte*>(args.in[1]);
  finish_.bias = shape_.has_bias ? static_cast<const float*>(args.in[2]) : nullptr;
  finish_.y = static_cast<bf16_t*>(args.out[0]);
  finish_.pre = shape_.has_gelu ? static_cast<bf16_t*>(args.out[1]) : nullptr;
  finish_.columns = shape_.columns;
  const auto is_aligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64 == 0; };
  finish_.is_streamed =
      shape_.rows * shape_.columns * 2 >= kStreamedBytes && is_aligned(finish_.y) && is_aligned(finish_.pre);
  scratch_ = static_cast<std::byte*>(args.scratch);
}

void RowProduct::run() {
  const std::int64_t blocks = (shape_.rows + kBlock - 1) / kBlock, groups = shape_.columns / kBlock;
  // Few rows: the threads share the columns, so that each reads its part of the weights only.
  const bool are_rows_shared = blocks >= 2 * threads_;
  run_team(threads_, [&](const Team& team) {
    const TileScope tiles;
    const Range rows = are_rows_shared ? team.share(blocks) : Range{0, blocks};
    const Range columns = are_rows_shared ? Range{0, groups} : team.share(groups);
    multiply_rows({rows.begin * kBlock, std::min(rows.end * kBlock, shape_.rows)}, columns,
                  scratch_ + team.index * thread_bytes());
  });
}

void RowProduct::copy_rows(std::int64_t row, std::int64_t rows, std::byte* to) const {
  const std::int64_t bytes = shape_.inner * 2;
  for (std::int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * row_bytes(), x_ + (row + r) * bytes, static_cast<std::size_t>(bytes));
  }
}

GYRUS_AMX_TARGET void RowProduct::multiply_rows(const Range& rows, const Range& groups, std::byte* left) const {
  alignas(64) std::byte tiles[4 * kTileBytes];
  const std::int64_t steps = shape_.inner / 32;
  for (std::int64_t first = rows.begin; first < rows.end; first += rows_at_once_) {
    const std::int64_t count = std::min(rows_at_once_, rows.end - first);
    const bool is_copied = shape_.inner > kReadInPlace || count % kBlock != 0;
    // Rows of the last block beyond these are stale then, and so are their products, which nobody reads.
    if (is_copied) copy_rows(first, count, left);
    const std::int64_t stride = is_copied ? row_bytes() : shape_.inner * 2;
    const std::byte* from = is_copied ? left : x_ + first * stride;
    for (std::int64_t group = groups.begin; group < groups.end; ++group) {
      const Operand right{w_ + group * group_bytes(shape_.inner), kTileBytes, 2 * kTileBytes, kRowBytes};
      for (std::int64_t row = 0; row < count; row += kBlock) {
        const Operand a{from + row * stride, kTileRows * stride, kRowBytes, stride};
        multiply(a, right, steps, {tiles, 2 * kTileBytes, kTileBytes, kRowBytes});
        const std::int64_t block_rows = std::min(kBlock, count - row);
        if (shape_.has_gelu) {
          finish_block<true>(tiles, finish_, first + row, block_rows, group * kBlock);
        } else {
          finish_block<false>(tiles, finish_, first + row, block_rows, group * kBlock);
        }
      }
    }
  }
}

// w to its packed form.
class PackRight final : public Kernel {
 public:
  PackRight(const RowProductShape& shape, int threads) : shape_(shape), threads_(threads) {}
  void bind(const KernelArgs& args) override {
    w_ = static_cast<const float*>(args.in[0]);
    packed_ = static_cast<std::byte*>(args.out[0]);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) {
      const Range groups = team.share(shape_.columns / kBlock);
      if (shape_.is_weight_transposed) {
        pack_transposed(w_, shape_.inner, groups, packed_);
      } else {
        pack_plain(w_, shape_.inner, shape_.columns, groups, packed_);
      }
    });
  }

 private:
  RowProductShape shape_;
  int threads_;
  const float* w_ = nullptr;
  std::byte* packed_ = nullptr;
};

}  // namespace

LoweredKernel make_row_product(const RowProductShape& shape, int threads) {
  LoweredKernel lowered{std::make_unique<RowProduct>(shape, threads), {}};
  PackRequest pack;
  pack.input = 1;
  pack.format = shape.is_weight_transposed ? "amx right operand of rows, transposed" : "amx right operand of rows";
  pack.bytes = shape.columns / kBlock * group_bytes(shape.inner);
  pack.make = [shape, threads] { return std::make_unique<PackRight>(shape, threads); };
  lowered.packs.push_back(std::move(pack));
  return lowered;
}

}  // namespace gyrus::backend::cpu::amx
