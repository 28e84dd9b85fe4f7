// sgd_update: with momentum reads parameter, gradient and buffer, writes parameter and buffer: 20 bytes an element;
// without it 12. 2 more with the bf16 copy. Up to 4 operations.
#include "backend/cuda/kernels/sgd_update.h"

#include "backend/cuda/kernels/sweep_kernel.h"
#include "math/sgd.h"

namespace gyrus::backend::cuda {
namespace {

struct Sgd {
  static constexpr const char* kName = "sgd_update";
  float* buffer;  // null without momentum
  float momentum, dampening;
  bool is_nesterov;

  struct State {
    math::SgdStep step;
    float weight_decay;
  };
  GYRUS_DEVICE State prepare(const Thread&, const SweepChunk& chunk, const Hyper& hyper) const {
    const float damped = hyper.step == 1 ? 1.0F : 1.0F - dampening;
    return {{hyper.lr * chunk.lr_scale, momentum, damped, is_nesterov},
            chunk.has_weight_decay != 0 ? hyper.weight_decay : 0.0F};
  }
  template <int N>
  GYRUS_DEVICE Values<N> run(const State& s, std::int64_t at, const Values<N>& p, const Values<N>& g) const {
    if (buffer == nullptr) {
      return make_values<N>(
          [&](int i) { return math::sgd_without_momentum<Scalar>(s.step, s.weight_decay, p.at[i], g.at[i]); });
    }
    Values<N> m = load<N>(buffer + at);
    const auto next =
        make_values<N>([&](int i) { return math::sgd<Scalar>(s.step, s.weight_decay, p.at[i], g.at[i], m.at[i]); });
    store(buffer + at, m);
    return next;
  }
};

}  // namespace

void sgd_update(Stream stream, const SgdUpdateArgs& args) {
  GYRUS_CHECK(args.momentum == 0 || args.sweep.slot0 != nullptr, Code::internal, "sgd_update: no momentum buffer");
  float* buffer = args.momentum != 0 ? args.sweep.slot0 : nullptr;
  launch_sweep(stream, args.sweep, Sgd{buffer, args.momentum, args.dampening, args.is_nesterov});
}

}  // namespace gyrus::backend::cuda
