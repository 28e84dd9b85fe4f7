// gradient_accumulate: reads the gradient and the sum, writes one of them: 12 bytes an element (8 the first time), 1
// operation.
#include "backend/cuda/kernels/gradient_accumulate.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

struct Accumulate {
  static constexpr const char* kName = "gradient_accumulate";
  static constexpr int kWidth = kVector<float>;
  float *gradients, *accumulator;
  const Hyper* hyper;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const StepPart part = hyper->part;
    if (part == StepPart::whole || hyper->may_update == 0) return;
    const Values<N> g = load<N>(gradients + at);
    if (part == StepPart::first) return store(accumulator + at, g);
    const Values<N> before = load<N>(accumulator + at);
    store((part == StepPart::last ? gradients : accumulator) + at,
          make_values<N>([&](int i) { return before.at[i] + g.at[i]; }));
  }
};

}  // namespace

void gradient_accumulate(Stream stream, const GradientAccumulateArgs& args) {
  GYRUS_CHECK(args.accumulator != nullptr, Code::internal, "gradient_accumulate: there is no accumulator");
  launch_flat(stream, args.count, Accumulate{args.gradients, args.accumulator, args.hyper});
}

}  // namespace gyrus::backend::cuda
