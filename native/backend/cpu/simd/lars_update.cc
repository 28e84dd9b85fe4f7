// LARS. Two passes over the arenas:
//   norms   read parameter and gradient (8 bytes an element, 5 operations); f32 within 4096 elements, f64 above
//   update  read parameter, gradient and momentum, write parameter and momentum (20 bytes, 4 operations)
// Work is cut into chunks of one segment each, so the norms do not depend on the number of threads. The update walks
// them backwards: what the norms read last is still in cache.
#include "backend/cpu/simd/lars_update.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/lars_update.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/lars.h"

#ifndef GYRUS_SIMD_LARS_JOB
#define GYRUS_SIMD_LARS_JOB
namespace gyrus::backend::cpu {

struct LarsChunk {
  Range elements;           // in the arenas, within one segment
  std::size_t segment = 0;  // index into ArenaView::segments
};

struct LarsSums {
  double p = 0, d = 0;  // of squares: parameters; gradients, or gradients + wd parameters for moco_v3
};

struct LarsJob {
  float *p = nullptr, *m = nullptr;  // flat arenas
  const float* g = nullptr;
  std::int64_t count = 0;  // elements of the arenas, gaps included
  std::span<const Segment> segments;
  std::vector<LarsChunk> chunks;
  std::vector<LarsSums> chunk_sums;       // one a chunk
  std::vector<std::size_t> first_chunks;  // one a segment, and the end
  graph::LarsAttrs attrs;
  const Hyper* hyper = nullptr;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace formula = math::HWY_NAMESPACE;

// The chunks that begin in this thread's equal share of the elements.
Range chunk_share(const LarsJob& job, const Team& team) {
  const Range share = team.share(job.count);
  const auto first_at = [&](std::int64_t offset) {
    const auto is_before = [](const LarsChunk& chunk, std::int64_t at) { return chunk.elements.begin < at; };
    return std::lower_bound(job.chunks.begin(), job.chunks.end(), offset, is_before) - job.chunks.begin();
  };
  return {first_at(share.begin), first_at(share.end)};
}

LarsSums sum_squares(const LarsJob& job, Range elements, float decay) {
  constexpr std::int64_t kBlock = 4096;
  const float *p = job.p, *g = job.g;
  const Vec weight_decay = set(decay);
  LarsSums sums;
  for (std::int64_t begin = elements.begin; begin < elements.end; begin += kBlock) {
    Vec p_sum = zero(), d_sum = zero();
    for_vectors({begin, std::min(begin + kBlock, elements.end)}, [&](auto access, std::int64_t i) HWY_ATTR {
      const Vec parameter = access.read(p + i);
      const Vec d = hn::MulAdd(weight_decay, parameter, access.read(g + i));
      p_sum = hn::MulAdd(parameter, parameter, p_sum);
      d_sum = hn::MulAdd(d, d, d_sum);
    });
    sums.p += static_cast<double>(sum_of(p_sum));
    sums.d += static_cast<double>(sum_of(d_sum));
  }
  return sums;
}

// The segment's rate, from its chunks in order.
formula::LarsScale scale_of(const LarsJob& job, std::size_t index) {
  const Segment& segment = job.segments[index];
  const Hyper& hyper = *job.hyper;
  const double decay = segment.has_weight_decay ? static_cast<double>(hyper.weight_decay) : 0.0;
  if (!segment.has_lars_adaptation) return {1.0, decay};
  LarsSums sums;
  for (std::size_t chunk = job.first_chunks[index]; chunk < job.first_chunks[index + 1]; ++chunk) {
    sums.p += job.chunk_sums[chunk].p;
    sums.d += job.chunk_sums[chunk].d;
  }
  const double p_norm = std::sqrt(sums.p), d_norm = std::sqrt(sums.d), trust = job.attrs.trust;
  if (job.attrs.variant == graph::LarsVariant::moco_v3) {
    return formula::lars_scale_moco_v3(trust, decay, p_norm, d_norm);
  }
  return formula::lars_scale_solo_learn(trust, decay, job.attrs.eps, job.attrs.clip,
                                        static_cast<double>(hyper.lr * segment.lr_scale), p_norm, d_norm);
}

void lars_norms(LarsJob& job, const Team& team) {
  const bool decays_in_norm = job.attrs.variant == graph::LarsVariant::moco_v3;
  const Range share = chunk_share(job, team);
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    const std::size_t at = static_cast<std::size_t>(i);
    const Segment& segment = job.segments[job.chunks[at].segment];
    if (!segment.has_lars_adaptation) continue;
    const float decay = decays_in_norm && segment.has_weight_decay ? job.hyper->weight_decay : 0.0F;
    job.chunk_sums[at] = sum_squares(job, job.chunks[at].elements, decay);
  }
}

void lars_update(LarsJob& job, const Team& team) {
  lars_norms(job, team);
  team.barrier();
  const Vec momentum = set(job.attrs.momentum);
  float *p = job.p, *m = job.m;
  const float* g = job.g;
  const Range share = chunk_share(job, team);
  for (std::int64_t i = share.end; i-- > share.begin;) {
    const LarsChunk& chunk = job.chunks[static_cast<std::size_t>(i)];
    const formula::LarsScale scale = scale_of(job, chunk.segment);
    const Vec lr = set(job.hyper->lr * job.segments[chunk.segment].lr_scale);
    const Vec rate = HwyPack::constant(scale.rate), decay = HwyPack::constant(scale.weight_decay);
    for_flat(chunk.elements, [=](auto access, std::int64_t at) HWY_ATTR {
      Vec buffer = access.read(m + at);
      access.write(p + at,
                   formula::lars<HwyPack>(lr, momentum, rate, decay, access.read(p + at), access.read(g + at), buffer));
      access.write(m + at, buffer);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(lars_update);

class LarsUpdate final : public Kernel {
 public:
  explicit LarsUpdate(const NodeContext& node) : threads_(node.threads) { job_.attrs = node.attrs<graph::LarsAttrs>(); }

  void bind(const KernelArgs& args) override {
    const ArenaView& arenas = args.arenas;
    GYRUS_ASSERT(arenas.slot0 != nullptr);
    job_.p = static_cast<float*>(arenas.parameters);
    job_.g = static_cast<const float*>(arenas.gradients);
    job_.m = static_cast<float*>(arenas.slot0);
    job_.segments = arenas.segments;
    job_.hyper = args.hyper;
    job_.count = arenas.trainable_count;
    cut_chunks();
  }

  void run() override {
    run_team(useful_threads(threads_, job_.count * 4), [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(lars_update)(job_, team);
    });
  }

 private:
  void cut_chunks() {
    constexpr std::int64_t kChunk = 32 * 1024;  // elements: 384 KiB of the three arrays
    job_.chunks.clear();
    job_.first_chunks.clear();
    for (std::size_t s = 0; s < job_.segments.size(); ++s) {
      const Segment& segment = job_.segments[s];
      const std::int64_t end = segment.offset + segment.count;
      job_.first_chunks.push_back(job_.chunks.size());
      for (std::int64_t begin = segment.offset; begin < end; begin += kChunk) {
        job_.chunks.push_back({{begin, std::min(begin + kChunk, end)}, s});
      }
    }
    job_.first_chunks.push_back(job_.chunks.size());
    job_.chunk_sums.assign(job_.chunks.size(), {});
  }

  LarsJob job_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_lars_update(const NodeContext& node) { return std::make_unique<LarsUpdate>(node); }

}  // namespace gyrus::backend::cpu
#endif
