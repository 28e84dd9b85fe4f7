// bias: reads and writes y once, 2 A bytes an element.
#include "backend/cuda/kernels/bias.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct Bias {
  static constexpr const char* kName = "bias";
  static constexpr int kWidth = 1;  // vectors of channels
  T* y;
  const float* bias;
  std::int64_t vectors;  // in a row

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const auto sum = load<kChannels>(y + at * kChannels), b = load<kChannels>(bias + at % vectors * kChannels);
    store(y + at * kChannels, make_values<kChannels>([&](int i) { return sum.at[i] + b.at[i]; }));
  }
};

}  // namespace

void bias_forward(Stream stream, const BiasArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.channels, [&]<int kChannels>(Width<kChannels>) {
      const std::int64_t vectors = args.channels / kChannels;
      launch_flat(stream, args.rows * vectors, Bias<T, kChannels>{static_cast<T*>(args.y), args.bias, vectors});
    });
  });
}

}  // namespace gyrus::backend::cuda
