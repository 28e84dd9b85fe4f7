// to_channels_last: reads 4, writes A bytes an element. Neighbouring threads write neighbouring vectors; what they read
// lies in as many runs as there are channels, one or three.
#include "backend/cuda/kernels/to_channels_last.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T>
struct ToChannelsLast {
  static constexpr const char* kName = "to_channels_last";
  static constexpr int kWidth = kVector<T>;
  const float* x;
  T* y;
  std::int64_t channels, pixels;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    std::int64_t channel = at % channels;
    const std::int64_t row = at / channels;  // counts pixels through all images
    std::int64_t pixel = row % pixels, image = row / pixels;
    Values<N> out;
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) {
      out.at[i] = x[(image * channels + channel) * pixels + pixel];
      if (++channel < channels) continue;
      channel = 0;
      if (++pixel < pixels) continue;
      pixel = 0;
      ++image;
    }
    store(y + at, out);
  }
};

}  // namespace

void to_channels_last_forward(Stream stream, const ToChannelsLastArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.images * args.channels * args.pixels,
                ToChannelsLast<T>{args.x, static_cast<T*>(args.y), args.channels, args.pixels});
  });
}

}  // namespace gyrus::backend::cuda
