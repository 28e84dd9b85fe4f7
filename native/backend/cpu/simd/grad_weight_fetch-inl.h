// Which memory the products of one chunk of the gradient of a weight bring into the cache for the packing of the next
// one. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_GRAD_WEIGHT_FETCH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_GRAD_WEIGHT_FETCH_INL_H
#undef GYRUS_SIMD_GRAD_WEIGHT_FETCH_INL_H
#else
#define GYRUS_SIMD_GRAD_WEIGHT_FETCH_INL_H
#endif

#include <algorithm>

#include "backend/cpu/simd/grad_weight_job.h"
#include "backend/cpu/simd/pack_hwy-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// What a tile's product fetches meanwhile: `step` bytes with each position, from `begin` on, and of pairs as many
// `partner` bytes behind.
struct FetchRun {
  const char* begin;
  std::int64_t step, partner;
};

// Brings what the next chunk will pack into the L2 cache, a little with each position of this one's products: packing
// alone would wait for memory, and the products need none. Fetches in bursts would fill the core's miss buffers, which
// the products need for what they read from L2.
template <class T>
class Prefetcher {
 public:
  // `tiles` of `positions` each are left in this chunk. No tiles: nothing to fetch.
  Prefetcher(const GradWeightJob& job, const SumBlock& block, const GradWeightChunk& next, std::int64_t tiles,
             std::int64_t positions)
      : plan_(job.plan), next_(next), row_(next.rows.begin), column_(next.columns.begin), positions_(positions) {
    const ConvGeometry& g = plan_.g;
    constexpr std::int64_t kBytes = sizeof(T);
    dy_partner_ = job.dy_partner * kBytes;
    x_partner_ = job.x_partner * kBytes;
    dy_ = static_cast<const T*>(job.dy) + block.outputs.begin;
    x_ = static_cast<const T*>(job.x) + (plan_.has_columns_as_channels ? 0 : block.groups.begin * plan_.group);
    dy_bytes_ = block.outputs.size() * kBytes;
    x_bytes_ = (plan_.has_columns_as_channels ? g.ci : block.groups.size() * plan_.group) * kBytes;
    is_done_ = tiles == 0;
    const bool is_strided = g.stride > plan_.row_step || g.stride > plan_.column_step;
    is_dense_ = dy_bytes_ == g.co * kBytes && x_bytes_ >= g.ci * kBytes && !is_strided;
    if (!is_dense_ || is_done_) return;
    const std::int64_t outputs = next.rows.size() * next.columns.size();
    dy_bytes_ *= outputs;
    x_bytes_ = outputs * g.stride * g.stride * g.ci * kBytes;
    tile_bytes_ = std::min((dy_bytes_ + x_bytes_) / tiles + 64, 64 * positions);
  }

  // For the next tile.
  HWY_INLINE FetchRun run() {
    if (is_done_) return {reinterpret_cast<const char*>(dy_), 0, 0};
    return is_dense_ ? dense_run() : piece_run();
  }

 private:
  HWY_INLINE const T* dy_at(std::int64_t row, std::int64_t column) const {
    return dy_ + (row * plan_.g.ow + column) * plan_.g.co;
  }
  // The first of the lowest pixels that an output needs: those above it have been read before.
  HWY_INLINE const T* x_at(std::int64_t row, std::int64_t column) const {
    const ConvGeometry& g = plan_.g;
    const std::int64_t ih = row % g.oh * g.stride - g.padding + g.kh - plan_.row_step;
    return x_ + ((row / g.oh * g.h + std::clamp<std::int64_t>(ih, 0, g.h - 1)) * g.w + column * g.stride) * g.ci;
  }
  // Both operands as one stretch of bytes each.
  HWY_INLINE FetchRun dense_run() {
    const bool is_dy = done_ < dy_bytes_;
    const char* first = reinterpret_cast<const char*>(is_dy ? dy_at(row_, column_) : x_at(row_, column_));
    const FetchRun run{first + (is_dy ? done_ : done_ - dy_bytes_), tile_bytes_ / positions_ + 1,
                       is_dy ? dy_partner_ : x_partner_};
    done_ += tile_bytes_;
    is_done_ = done_ >= dy_bytes_ + x_bytes_;
    return run;
  }
  // Some of the channels of one output, then of its pixel.
  HWY_INLINE FetchRun piece_run() {
    if (is_x_) {
      const FetchRun run{reinterpret_cast<const char*>(x_at(row_, column_)), x_bytes_ / positions_ + 1, x_partner_};
      if (++column_ == next_.columns.end) {
        column_ = next_.columns.begin;
        is_done_ = ++row_ == next_.rows.end;
      }
      is_x_ = false;
      return run;
    }
    is_x_ = true;
    return {reinterpret_cast<const char*>(dy_at(row_, column_)), dy_bytes_ / positions_ + 1, dy_partner_};
  }

  const GradWeightPlan& plan_;
  GradWeightChunk next_;
  std::int64_t row_, column_, positions_, x_bytes_ = 0, dy_bytes_ = 0, tile_bytes_ = 0, done_ = 0;
  std::int64_t x_partner_ = 0, dy_partner_ = 0;
  bool is_dense_ = false, is_done_ = false, is_x_ = false;
  const T *x_ = nullptr, *dy_ = nullptr;
};

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
