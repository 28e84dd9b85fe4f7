// Moving average: reads average and parameter, writes the average: 12 bytes an element, 2 operations.
#include "backend/cpu/simd/ema_update.h"

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/ema_update.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/ema.h"

#ifndef GYRUS_SIMD_EMA_JOB
#define GYRUS_SIMD_EMA_JOB
namespace gyrus::backend::cpu {

struct EmaJob {
  float* ema = nullptr;      // flat arena
  const float* p = nullptr;  // flat arena
  const Hyper* hyper = nullptr;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace formula = math::HWY_NAMESPACE;

void ema_update(const EmaJob& job, Range share) {
  const Vec momentum = set(job.hyper->ema_momentum);
  const Vec rest = HwyPack::constant(1 - static_cast<double>(job.hyper->ema_momentum));
  float* ema = job.ema;
  const float* p = job.p;
  for_flat(share, [=](auto access, std::int64_t i) HWY_ATTR {
    access.write(ema + i, formula::ema<HwyPack>(momentum, rest, access.read(ema + i), access.read(p + i)));
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(ema_update);

class EmaUpdate final : public Kernel {
 public:
  explicit EmaUpdate(const NodeContext& node) : threads_(node.threads) {}

  void bind(const KernelArgs& args) override {
    GYRUS_ASSERT(args.arenas.ema != nullptr);
    job_.ema = static_cast<float*>(args.arenas.ema);
    job_.p = static_cast<const float*>(args.arenas.parameters);
    job_.hyper = args.hyper;
    count_ = args.arenas.ema_count;
  }

  void run() override {
    run_team(useful_threads(threads_, count_ * 4), [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(ema_update)(job_, team.share(count_, kFlatGrain));
    });
  }

 private:
  EmaJob job_;
  std::int64_t count_ = 0;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_ema_update(const NodeContext& node) { return std::make_unique<EmaUpdate>(node); }

}  // namespace gyrus::backend::cpu
#endif
