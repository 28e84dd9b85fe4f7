// finite_guard: one thread reads 4 bytes a loss.
#include "backend/cuda/kernels/finite_guard.h"

#include "backend/cuda/kernels/device.h"

namespace gyrus::backend::cuda {
namespace {

struct FiniteGuard {
  static constexpr const char* kName = "finite_guard";
  static constexpr int kThreads = 32;
  static constexpr bool kIsCooperative = false;
  FiniteGuardArgs args;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    if (thread.index() != 0) return;
    bool are_finite = true;
    // x - x is 0 for finite numbers alone.
    for (int i = 0; i < args.count; ++i) are_finite = are_finite && *args.losses[i] - *args.losses[i] == 0;
    args.hyper->may_update = are_finite ? 1 : 0;
  }
};

}  // namespace

void finite_guard(Stream stream, const FiniteGuardArgs& args) {
  GYRUS_CHECK(args.count >= 0 && args.count <= kMostLosses, Code::internal, "finite_guard: ", args.count,
              " losses; it takes at most ", kMostLosses);
  launch(stream, {1}, FiniteGuard{args});
}

}  // namespace gyrus::backend::cuda
