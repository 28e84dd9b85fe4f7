// pack_weights: reads 4, writes A bytes an element; unpack_weights the other way round. Neighbouring threads write
// neighbouring vectors; what they read lies a window (4 to 196 bytes) apart, in lines that the threads of the window's
// other positions read too, so that they come from the caches.
#include "backend/cuda/kernels/pack_weights.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

// Each [rows, columns] matrix transposed: what is written counts through columns first.
template <class From, class To>
struct Transpose {
  static constexpr const char* kName = "pack_weights";
  static constexpr int kWidth = kVector<To>;
  const From* x;
  To* y;
  std::int64_t rows, columns;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    std::int64_t row = at % rows;
    std::int64_t line = at / rows;  // matrix and column
    Values<N> out;
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) {
      out.at[i] = as_float(x[(line / columns * rows + row) * columns + line % columns]);
      if (++row < rows) continue;
      row = 0;
      ++line;
    }
    store(y + at, out);
  }
};

}  // namespace

void pack_weights(Stream stream, const PackWeightsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.out_channels * args.in_channels * args.window,
                Transpose<float, T>{args.masters, static_cast<T*>(args.packed), args.in_channels, args.window});
  });
}

void unpack_weights(Stream stream, const UnpackWeightsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.out_channels * args.in_channels * args.window,
                Transpose<T, float>{static_cast<const T*>(args.packed), args.masters, args.window, args.in_channels});
  });
}

}  // namespace gyrus::backend::cuda
