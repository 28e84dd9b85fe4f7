// Sums of gradients over micro-batches: reads two arenas, writes one of them: 12 bytes an element, 1 operation; the
// first part copies: 8 bytes. Parts are added in their order, so the sum is the same for any number of threads.
#include "backend/cpu/simd/gradient_accumulate.h"

#include <cstring>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/gradient_accumulate.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

void add_to(float* sums, const float* terms, Range share) {
  for_flat(share, [=](auto access, std::int64_t i)
                      HWY_ATTR { access.write(sums + i, hn::Add(access.read(sums + i), access.read(terms + i))); });
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(add_to);

class GradientAccumulate final : public Kernel {
 public:
  explicit GradientAccumulate(const NodeContext& node) : threads_(node.threads) {}

  void bind(const KernelArgs& args) override {
    GYRUS_ASSERT(args.arenas.accumulator != nullptr);
    gradients_ = static_cast<float*>(args.arenas.gradients);
    accumulator_ = static_cast<float*>(args.arenas.accumulator);
    count_ = args.arenas.trainable_count;
    hyper_ = args.hyper;
  }

  void run() override {
    const StepPart part = hyper_->part;
    if (part == StepPart::whole) return;
    run_team(useful_threads(threads_, count_ * size_of(DType::f32)), [this, part](const Team& team) {
      const Range share = team.share(count_, kFlatGrain);
      if (share.is_empty()) return;
      if (part == StepPart::first) {
        const auto bytes = static_cast<std::size_t>(share.size() * size_of(DType::f32));
        std::memcpy(accumulator_ + share.begin, gradients_ + share.begin, bytes);
      } else if (part == StepPart::middle) {
        HWY_DYNAMIC_DISPATCH(add_to)(accumulator_, gradients_, share);
      } else {
        HWY_DYNAMIC_DISPATCH(add_to)(gradients_, accumulator_, share);
      }
    });
  }

 private:
  float *gradients_ = nullptr, *accumulator_ = nullptr;
  const Hyper* hyper_ = nullptr;
  std::int64_t count_ = 0;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_gradient_accumulate(const NodeContext& node) {
  return std::make_unique<GradientAccumulate>(node);
}

}  // namespace gyrus::backend::cpu
#endif
