// ema_update: reads average and parameter, writes the average: 12 bytes an element (14 with the bf16 copy), 2
// operations.
#include "backend/cuda/kernels/ema_update.h"

#include "backend/cuda/kernels/flat.h"
#include "math/ema.h"

namespace gyrus::backend::cuda {
namespace {

struct Ema {
  static constexpr const char* kName = "ema_update";
  static constexpr int kWidth = kVector<bf16_t>;
  float* ema;
  const float* parameters;
  bf16_t* ema_bf16;
  const Hyper* hyper;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const float momentum = hyper->ema_momentum, rest = static_cast<float>(1 - static_cast<double>(momentum));
    const Values<N> e = load<N>(ema + at), p = load<N>(parameters + at);
    const auto next = make_values<N>([&](int i) { return math::ema<Scalar>(momentum, rest, e.at[i], p.at[i]); });
    store(ema + at, next);
    if (ema_bf16 != nullptr) store(ema_bf16 + at, next);
  }
};

}  // namespace

void ema_update(Stream stream, const EmaUpdateArgs& args) {
  launch_flat(stream, args.count, Ema{args.ema, args.parameters, args.ema_bf16, args.hyper});
}

}  // namespace gyrus::backend::cuda
