// gradient_accumulate: reads the gradient and the total, writes the total: 12 bytes an element (8 the first time), 1
// operation.
#include "backend/cuda/kernels/gradient_accumulate.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

struct Accumulate {
  static constexpr const char* kName = "gradient_accumulate";
  static constexpr int kWidth = kVector<float>;
  const float* gradients;
  float* total;
  bool is_first;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const Values<N> g = load<N>(gradients + at);
    if (is_first) return store(total + at, g);
    const Values<N> sum = load<N>(total + at);
    store(total + at, make_values<N>([&](int i) { return sum.at[i] + g.at[i]; }));
  }
};

}  // namespace

void gradient_accumulate(Stream stream, const GradientAccumulateArgs& args) {
  launch_flat(stream, args.count, Accumulate{args.gradients, args.total, args.is_first});
}

}  // namespace gyrus::backend::cuda
