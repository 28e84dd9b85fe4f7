// global_avg_pool: reads x once: A bytes an element, 1 operation; a thread adds all pixels of its channels in f32.
// global_avg_pool_backward: writes dx: A bytes an element.
#include "backend/cuda/kernels/global_avg_pool.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct GlobalAvgPool {
  static constexpr const char* kName = "global_avg_pool";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* x;
  T* y;
  std::int64_t pixels, channels;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels, image = element / channels, c = element % channels;
    const T* from = x + image * pixels * channels + c;
    Values<kChannels> sum = {};
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      const auto in = load<kChannels>(from + pixel * channels);
      GYRUS_UNROLL
      for (int i = 0; i < kChannels; ++i) sum.at[i] += in.at[i];
    }
    const float count = static_cast<float>(pixels);
    store(y + element, make_values<kChannels>([&](int i) { return sum.at[i] / count; }));
  }
};

template <class T, int kChannels>
struct GlobalAvgPoolBackward {
  static constexpr const char* kName = "global_avg_pool_backward";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* dy;
  T* dx;
  std::int64_t pixels, channels;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels, image = element / channels / pixels, c = element % channels;
    const auto up = load<kChannels>(dy + image * channels + c);
    const float count = static_cast<float>(pixels);
    store(dx + element, make_values<kChannels>([&](int i) { return up.at[i] / count; }));
  }
};

}  // namespace

void global_avg_pool_forward(Stream stream, const GlobalAvgPoolArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.channels, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, args.images * args.channels / kChannels,
                  GlobalAvgPool<T, kChannels>{static_cast<const T*>(args.x), static_cast<T*>(args.y), args.pixels,
                                              args.channels});
    });
  });
}

void global_avg_pool_backward(Stream stream, const GlobalAvgPoolBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.channels, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, args.images * args.pixels * args.channels / kChannels,
                  GlobalAvgPoolBackward<T, kChannels>{static_cast<const T*>(args.dy), static_cast<T*>(args.dx),
                                                      args.pixels, args.channels});
    });
  });
}

}  // namespace gyrus::backend::cuda
