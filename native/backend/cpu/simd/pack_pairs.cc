// pack_pairs reads 4 bytes of each weight and writes 2 (with zeros where blocks are not full), and rounds: 10
// operations an element and a quarter of a shuffle where rows lie side by side or there are several taps. Memory bounds
// it.
#include "backend/cpu/simd/pack_pairs.h"

#include <algorithm>

#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"
#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/pack_pairs.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/transpose16-inl.h"

#ifndef GYRUS_SIMD_PACK_PAIRS_JOB
#define GYRUS_SIMD_PACK_PAIRS_JOB
namespace gyrus::backend::cpu {

struct PackPairsJob {
  PairsShape shape;
  const float* from = nullptr;
  std::uint32_t* to = nullptr;  // a pair
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

#if HWY_MAX_BYTES == 64

constexpr std::int64_t kSide = 16;

HWY_INLINE hn::Vec<hn::RebindToUnsigned<F32>> pairs_of(Vec first, Vec second) {
  return hn::Or(bf16_bits(first), hn::ShiftLeft<16>(bf16_bits(second)));
}

// Sixteen rows side by side, columns [begin, end): the numbers of each row are neighbours whatever their taps, so they
// are turned sixteen by sixteen into `buffer`, [number][row], and paired from there.
void pack_rows(const PackPairsJob& job, std::int64_t row, Range columns, float* buffer) {
  const PairsShape& s = job.shape;
  const std::int64_t stride = s.columns * s.taps, rows = std::clamp(s.rows - row, std::int64_t{0}, kSide);
  const std::int64_t numbers = std::max(std::min(columns.end, s.columns) - columns.begin, std::int64_t{0}) * s.taps;
  const float* const from = job.from + row * stride + columns.begin * s.taps;
  for (std::int64_t at = 0; at < numbers; at += kSide) {
    Square square;
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kSquare; ++r) {
      const auto here = static_cast<std::int64_t>(r);
      square[r] = here < rows ? load_up_to(from + here * stride + at, numbers - at) : zero();
    }
    transpose(square);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kSquare; ++r) store(buffer + (at + static_cast<std::int64_t>(r)) * kSide, square[r]);
  }
  for (std::int64_t tap = 0; tap < s.taps; ++tap) {
    std::uint32_t* to =
        job.to + ((row / s.block * s.taps + tap) * s.pairs + columns.begin / 2) * s.block + row % s.block;
    for (std::int64_t at = tap; at < columns.size() * s.taps; at += 2 * s.taps, to += s.block) {
      const Vec first = at < numbers ? load(buffer + at * kSide) : zero();
      const Vec second = at + s.taps < numbers ? load(buffer + (at + s.taps) * kSide) : zero();
      hn::StoreU(pairs_of(first, second), hn::RebindToUnsigned<F32>(), to);
    }
  }
}

// Columns side by side: a block of them, rows [begin, end). The numbers of two rows are paired as they lie, into
// `buffer`, and then turned to lie tap by tap.
void pack_columns(const PackPairsJob& job, std::int64_t block, Range rows, float* buffer) {
  const PairsShape& s = job.shape;
  const F32 d;
  const hn::RebindToUnsigned<F32> d32;
  for (std::int64_t row = rows.begin; row < rows.end; row += 2) {
    for (std::int64_t side = 0; side < s.block; side += kSide) {
      const std::int64_t column = block * s.block + side;
      const std::int64_t numbers = std::clamp(s.columns - column, std::int64_t{0}, kSide) * s.taps;
      const std::int64_t first = row < s.rows ? numbers : 0, second = row + 1 < s.rows ? numbers : 0;
      const float* const from = job.from + (row * s.columns + column) * s.taps;
      for (std::int64_t at = 0; at < kSide * s.taps; at += kSide) {
        const Vec upper = load_up_to(from + s.columns * s.taps + at, second - at);
        store(buffer + at, hn::BitCast(d, pairs_of(load_up_to(from + at, first - at), upper)));
      }
      std::uint32_t* to = job.to + (block * s.taps * s.pairs + row / 2) * s.block + side;
      if (s.taps == 1) {
        hn::StoreU(hn::BitCast(d32, load(buffer)), d32, to);
        continue;
      }
      Square square;
#pragma GCC unroll 16
      for (std::size_t c = 0; c < kSquare; ++c) square[c] = load(buffer + static_cast<std::int64_t>(c) * s.taps);
      transpose(square);
      for (std::int64_t tap = 0; tap < s.taps; ++tap, to += s.pairs * s.block) {
        hn::StoreU(hn::BitCast(d32, square[static_cast<std::size_t>(tap)]), d32, to);
      }
    }
  }
}

// Units of work: sixteen rows, or a block of columns, by a piece of the other side that the L1 cache holds.
void pack_pairs(const PackPairsJob& job, const Team& team) {
  constexpr std::int64_t kNumbers = 288;  // 18 KB
  HWY_ALIGN float buffer[(kNumbers + kSide) * kSide];
  const PairsShape& s = job.shape;
  const bool is_by_rows = s.has_rows_side_by_side;
  const std::int64_t piece = is_by_rows ? std::max<std::int64_t>(kNumbers / s.taps / 2 * 2, 2) : 32;
  const std::int64_t pieces = (2 * s.pairs + piece - 1) / piece;
  const Range units = team.share((is_by_rows ? s.blocks() * s.block / kSide : s.blocks()) * pieces);
  for (std::int64_t unit = units.begin; unit < units.end; ++unit) {
    const std::int64_t begin = unit % pieces * piece;
    const Range other{begin, std::min(begin + piece, 2 * s.pairs)};
    is_by_rows ? pack_rows(job, unit / pieces * kSide, other, buffer) : pack_columns(job, unit / pieces, other, buffer);
  }
}

#else

void pack_pairs(const PackPairsJob& /*job*/, const Team& /*team*/) { GYRUS_ASSERT(false); }

#endif

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(pack_pairs);

constexpr std::int64_t kMostTaps = 144;  // two columns of them fit the buffer

class PackPairs final : public Kernel {
 public:
  PackPairs(const PairsShape& shape, int threads)
      : job_{.shape = shape}, threads_(useful_threads(threads, shape.bytes())) {}
  void bind(const KernelArgs& args) override {
    job_.from = static_cast<const float*>(args.in[0]);
    job_.to = static_cast<std::uint32_t*>(args.out[0]);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(pack_pairs)(job_, team); });
  }

 private:
  PackPairsJob job_;
  int threads_;
};

}  // namespace

bool can_pack_pairs(const PairsShape& shape) {
  return has_long_vectors() && shape.taps <= (shape.has_rows_side_by_side ? kMostTaps : 16);
}

std::unique_ptr<Kernel> make_pack_pairs(const PairsShape& shape, int threads) {
  GYRUS_ASSERT(can_pack_pairs(shape) && shape.block % 16 == 0);
  return std::make_unique<PackPairs>(shape, threads);
}

}  // namespace gyrus::backend::cpu
#endif
