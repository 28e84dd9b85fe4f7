// unblock reads each number once and writes it once (8 bytes, a quarter of a shuffle). Memory bounds it, or the cache
// that still holds what the convolution has just written.
#include "backend/cpu/simd/unblock.h"

#include <algorithm>

#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"
#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/unblock.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/transpose16-inl.h"

#ifndef GYRUS_SIMD_UNBLOCK_JOB
#define GYRUS_SIMD_UNBLOCK_JOB
namespace gyrus::backend::cpu {

struct UnblockJob {
  BlockedShape shape;
  const float* from = nullptr;
  float* to = nullptr;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

#if HWY_MAX_BYTES == 64

// Of sixteen columns a row holds 16 taps neighbours, the taps of a column together: sixteen of them are a square.
void unblock_group(const UnblockJob& job, std::int64_t row_group, std::int64_t column_group) {
  constexpr std::int64_t kSide = 16;
  const BlockedShape& s = job.shape;
  const std::int64_t stride = s.columns * s.taps;
  const float* const from = job.from + (row_group * (s.columns / kSide) + column_group) * s.taps * kSide * kSide;
  float* const to = job.to + row_group * kSide * stride + column_group * kSide * s.taps;
  std::int64_t column = 0, tap = 0;
  for (std::int64_t at = 0; at < kSide * s.taps; at += kSide) {
    Square square;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kSquare; ++i) {
      square[i] = load(from + (tap * kSide + column) * kSide);
      if (++tap == s.taps) {
        tap = 0;
        ++column;
      }
    }
    transpose(square);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kSquare; ++r) store(to + static_cast<std::int64_t>(r) * stride + at, square[r]);
  }
}

void unblock(const UnblockJob& job, const Team& team) {
  const std::int64_t column_groups = job.shape.columns / 16;
  const Range units = team.share(job.shape.rows / 16 * column_groups);
  for (std::int64_t unit = units.begin; unit < units.end; ++unit) {
    unblock_group(job, unit / column_groups, unit % column_groups);
  }
}

#else

void unblock(const UnblockJob& /*job*/, const Team& /*team*/) { GYRUS_ASSERT(false); }

#endif

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(unblock);

class Unblock final : public Kernel {
 public:
  Unblock(const BlockedShape& shape, int threads)
      : job_{.shape = shape}, threads_(useful_threads(threads, shape.rows * shape.columns * shape.taps * 8)) {}
  void bind(const KernelArgs& args) override {
    job_.from = static_cast<const float*>(args.in[0]);
    job_.to = static_cast<float*>(args.out[0]);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(unblock)(job_, team); });
  }

 private:
  UnblockJob job_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_unblock(const BlockedShape& shape, int threads) {
  GYRUS_ASSERT(has_long_vectors() && shape.rows % 16 == 0 && shape.columns % 16 == 0);
  return std::make_unique<Unblock>(shape, threads);
}

}  // namespace gyrus::backend::cpu
#endif
