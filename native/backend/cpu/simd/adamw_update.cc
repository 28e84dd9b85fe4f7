// AdamW: reads parameter, gradient and both moments, writes parameter and moments: 28 bytes an element; 10 operations,
// a square root and a division.
#include "backend/cpu/simd/adamw_update.h"

#include <vector>

#include "backend/cpu/simd/sweep.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/adamw_update.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/adamw.h"

#ifndef GYRUS_SIMD_ADAMW_JOB
#define GYRUS_SIMD_ADAMW_JOB
namespace gyrus::backend::cpu {

struct AdamwJob {
  float *p = nullptr, *m = nullptr, *v = nullptr;  // flat arenas
  const float* g = nullptr;
  std::vector<SweepRun> runs;
  graph::AdamwAttrs attrs;
  const Hyper* hyper = nullptr;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace formula = math::HWY_NAMESPACE;

void adamw_update(const AdamwJob& job, Range share) {
  const Hyper& hyper = *job.hyper;
  float *p = job.p, *m = job.m, *v = job.v;
  const float* g = job.g;
  for_runs_in(job.runs, share, [=](Range part, const SweepRun& run) HWY_ATTR {
    const double lr = static_cast<double>(hyper.lr) * static_cast<double>(run.lr_scale);
    const formula::AdamwStep step =
        formula::adamw_step(lr, job.attrs.beta1, job.attrs.beta2, job.attrs.eps, hyper.step);
    const double weight_decay = run.has_weight_decay ? static_cast<double>(hyper.weight_decay) : 0.0;
    const Vec decay = HwyPack::constant(1 - lr * weight_decay);
    for_flat(part, [=](auto access, std::int64_t i) HWY_ATTR {
      Vec first = access.read(m + i), second = access.read(v + i);
      access.write(p + i, formula::adamw<HwyPack>(step, decay, access.read(p + i), access.read(g + i), first, second));
      access.write(m + i, first);
      access.write(v + i, second);
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(adamw_update);

class AdamwUpdate final : public Kernel {
 public:
  explicit AdamwUpdate(const NodeContext& node) : threads_(node.threads) {
    job_.attrs = node.attrs<graph::AdamwAttrs>();
  }

  void bind(const KernelArgs& args) override {
    const ArenaView& arenas = args.arenas;
    GYRUS_ASSERT(arenas.slot0 != nullptr && arenas.slot1 != nullptr);
    job_.p = static_cast<float*>(arenas.parameters);
    job_.g = static_cast<const float*>(arenas.gradients);
    job_.m = static_cast<float*>(arenas.slot0);
    job_.v = static_cast<float*>(arenas.slot1);
    job_.runs = make_sweep_runs(arenas);
    job_.hyper = args.hyper;
    count_ = arenas.trainable_count;
  }

  void run() override {
    run_team(useful_threads(threads_, count_ * 4), [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(adamw_update)(job_, team.share(count_, kFlatGrain));
    });
  }

 private:
  AdamwJob job_;
  std::int64_t count_ = 0;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_adamw_update(const NodeContext& node) { return std::make_unique<AdamwUpdate>(node); }

}  // namespace gyrus::backend::cpu
#endif
