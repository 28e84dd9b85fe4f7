// SGD: with momentum reads parameter, gradient and buffer, writes parameter and buffer: 20 bytes an element; without it
// 12 bytes. Up to 4 operations.
#include "backend/cpu/simd/sgd_update.h"

#include <vector>

#include "backend/cpu/simd/sweep.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/sgd_update.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/sgd.h"

#ifndef GYRUS_SIMD_SGD_JOB
#define GYRUS_SIMD_SGD_JOB
namespace gyrus::backend::cpu {

struct SgdJob {
  float *p = nullptr, *m = nullptr;  // flat arenas; m is null without momentum
  const float* g = nullptr;
  std::vector<SweepRun> runs;
  graph::SgdAttrs attrs;
  const Hyper* hyper = nullptr;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace formula = math::HWY_NAMESPACE;

void sgd_update(const SgdJob& job, Range share) {
  const Hyper& hyper = *job.hyper;
  const float damped = hyper.step == 1 ? 1.0F : 1.0F - job.attrs.dampening;
  float *p = job.p, *m = job.m;
  const float* g = job.g;
  for_runs_in(job.runs, share, [=](Range part, const SweepRun& run) HWY_ATTR {
    const formula::SgdStep step{hyper.lr * run.lr_scale, job.attrs.momentum, damped, job.attrs.nesterov};
    const Vec decay = set(run.has_weight_decay ? hyper.weight_decay : 0.0F);
    if (m == nullptr) {
      for_flat(part, [=](auto access, std::int64_t i) HWY_ATTR {
        const Vec next = formula::sgd_without_momentum<HwyPack>(step, decay, access.read(p + i), access.read(g + i));
        access.write(p + i, next);
      });
      return;
    }
    for_flat(part, [=](auto access, std::int64_t i) HWY_ATTR {
      Vec buffer = access.read(m + i);
      access.write(p + i, formula::sgd<HwyPack>(step, decay, access.read(p + i), access.read(g + i), buffer));
      access.write(m + i, buffer);
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(sgd_update);

class SgdUpdate final : public Kernel {
 public:
  explicit SgdUpdate(const NodeContext& node) : threads_(node.threads) { job_.attrs = node.attrs<graph::SgdAttrs>(); }

  void bind(const KernelArgs& args) override {
    const ArenaView& arenas = args.arenas;
    const bool has_momentum = job_.attrs.momentum != 0;
    GYRUS_ASSERT(!has_momentum || arenas.slot0 != nullptr);
    job_.p = static_cast<float*>(arenas.parameters);
    job_.g = static_cast<const float*>(arenas.gradients);
    job_.m = has_momentum ? static_cast<float*>(arenas.slot0) : nullptr;
    job_.runs = make_sweep_runs(arenas);
    job_.hyper = args.hyper;
    count_ = arenas.trainable_count;
  }

  void run() override {
    run_team(useful_threads(threads_, count_ * 4), [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(sgd_update)(job_, team.share(count_, kFlatGrain));
    });
  }

 private:
  SgdJob job_;
  std::int64_t count_ = 0;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_sgd_update(const NodeContext& node) { return std::make_unique<SgdUpdate>(node); }

}  // namespace gyrus::backend::cpu
#endif
