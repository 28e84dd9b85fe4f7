// adamw_update: reads parameter, gradient and two moments, writes parameter and moments: 28 bytes an element (30 with
// the bf16 copy), some 12 operations, a division and a square root.
#include "backend/cuda/kernels/adamw_update.h"

#include "backend/cuda/kernels/sweep_kernel.h"
#include "math/adamw.h"

namespace gyrus::backend::cuda {
namespace {

struct Adamw {
  static constexpr const char* kName = "adamw_update";
  float *first, *second;
  float beta1, beta2, eps;

  struct State {
    math::AdamwStep step;
    float decay;
  };
  // The powers of the betas, in f64, are one thread's work.
  GYRUS_DEVICE State prepare(const Thread& thread, const SweepChunk& chunk, const Hyper& hyper) const {
    GYRUS_SHARED(math::AdamwStep, shared, 1);
    const double lr = static_cast<double>(hyper.lr) * static_cast<double>(chunk.lr_scale);
    if (thread.index() == 0) shared[0] = math::adamw_step(lr, beta1, beta2, eps, hyper.step);
    thread.sync();
    const float weight_decay = chunk.has_weight_decay != 0 ? hyper.weight_decay : 0.0F;
    const double decay = 1 - lr * static_cast<double>(weight_decay);
    return {shared[0], static_cast<float>(decay)};
  }
  template <int N>
  GYRUS_DEVICE Values<N> run(const State& s, std::int64_t at, const Values<N>& p, const Values<N>& g) const {
    Values<N> m = load<N>(first + at), v = load<N>(second + at);
    const auto next =
        make_values<N>([&](int i) { return math::adamw<Scalar>(s.step, s.decay, p.at[i], g.at[i], m.at[i], v.at[i]); });
    store(first + at, m);
    store(second + at, v);
    return next;
  }
};

}  // namespace

void adamw_update(Stream stream, const AdamwUpdateArgs& args) {
  GYRUS_CHECK(args.sweep.slot0 != nullptr && args.sweep.slot1 != nullptr, Code::internal, "adamw_update: no moments");
  launch_sweep(stream, args.sweep, Adamw{args.sweep.slot0, args.sweep.slot1, args.beta1, args.beta2, args.eps});
}

}  // namespace gyrus::backend::cuda
