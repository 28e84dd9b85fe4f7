// Packing reads every weight once and writes it once (8 bytes, no operation), as gathers of one column's numbers from
// each vector's worth of columns, or as plain copies where the columns lie side by side.
#include "backend/cpu/simd/pack_panels.h"

#include <algorithm>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/pack_panels.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "backend/cpu/simd/register_tile-inl.h"

#ifndef GYRUS_SIMD_PACK_PANELS_JOB
#define GYRUS_SIMD_PACK_PANELS_JOB
namespace gyrus::backend::cpu {

struct PackPanelsJob {
  WindowProductShape shape;
  const float* w = nullptr;
  float* panels = nullptr;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// The first `count` of a vector of numbers `stride` apart, zeros beyond.
HWY_INLINE Vec gather(const float* from, std::int64_t stride, std::int64_t count) {
  if (stride == 1) return count >= lanes() ? load(from) : load_some(from, count);
  const hn::RebindToSigned<F32> d32;
  if (count >= lanes()) {
    return hn::GatherIndex(F32(), from, hn::Mul(hn::Iota(d32, 0), hn::Set(d32, static_cast<std::int32_t>(stride))));
  }
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = from[i * stride];
  return load(buffer);
}

void pack_panels(const PackPanelsJob& job, const Team& team) {
  const WindowProductShape& s = job.shape;
  const std::int64_t window = s.kh * s.kw, step = lanes(), width = tile_columns();
  // Of w, in numbers: from one column to the next, and from one channel of x to the next.
  const std::int64_t column_stride = s.is_gradient ? window : s.channels * window;
  const std::int64_t channel_stride = s.is_gradient ? s.columns * window : window;
  const Range panels = team.share((s.columns + width - 1) / width);
  for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
    float* to = job.panels + panel * width * s.inner();
    for (std::int64_t tap = 0; tap < window; ++tap) {
      const float* from = job.w + (s.is_gradient ? window - 1 - tap : tap) + panel * width * column_stride;
      for (std::int64_t c = 0; c < s.channels; ++c, from += channel_stride, to += width) {
        for (std::int64_t v = 0; v < width; v += step) {
          const std::int64_t left = s.columns - panel * width - v;
          store(to + v, left > 0 ? gather(from + v * column_stride, column_stride, left) : zero());
        }
      }
    }
  }
}

std::int64_t columns_of_a_panel() { return tile_columns(); }

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(pack_panels);
HWY_EXPORT(columns_of_a_panel);

class PackPanels final : public Kernel {
 public:
  PackPanels(const WindowProductShape& shape, int threads)
      : job_{.shape = shape}, threads_(useful_threads(threads, shape.inner() * shape.columns * 4)) {}

  void bind(const KernelArgs& args) override {
    job_.w = static_cast<const float*>(args.in[0]);
    job_.panels = static_cast<float*>(args.out[0]);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(pack_panels)(job_, team); });
  }

 private:
  PackPanelsJob job_;
  int threads_;
};

}  // namespace

std::int64_t panel_columns() { return HWY_DYNAMIC_DISPATCH(columns_of_a_panel)(); }

std::unique_ptr<Kernel> make_pack_panels(const WindowProductShape& shape, int threads) {
  return std::make_unique<PackPanels>(shape, threads);
}

}  // namespace gyrus::backend::cpu
#endif
