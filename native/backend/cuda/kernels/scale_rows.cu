// scale_rows: reads one element, writes one: 2 A bytes an element, 1 operation. The factors stay in cache.
#include "backend/cuda/kernels/scale_rows.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct ScaleRows {
  static constexpr const char* kName = "scale_rows";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* x;
  const float* factors;
  T* y;
  std::int64_t width;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels;
    const float factor = factors[element / width];
    const Values<kChannels> value = load<kChannels>(x + element);
    // An infinity in a dropped branch must not become NaN.
    store(y + element, make_values<kChannels>([&](int i) { return factor == 0 ? 0 : factor * value.at[i]; }));
  }
};

}  // namespace

void scale_rows_forward(Stream stream, const ScaleRowsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(
          stream, args.rows * args.width / kChannels,
          ScaleRows<T, kChannels>{static_cast<const T*>(args.x), args.factors, static_cast<T*>(args.y), args.width});
    });
  });
}

}  // namespace gyrus::backend::cuda
