// gelu: reads x, writes y (2 A bytes an element), some 20 operations and a division. gelu_backward: reads dy and x,
// writes dx (3 A), some 25 operations, a division and an exponential.
#include "backend/cuda/kernels/gelu.h"

#include "backend/cuda/kernels/flat.h"
#include "math/gelu.h"

namespace gyrus::backend::cuda {
namespace {

template <class T>
struct Gelu {
  static constexpr const char* kName = "gelu";
  static constexpr int kWidth = kVector<T>;
  const T* x;
  T* y;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const Values<N> in = load<N>(x + at);
    store(y + at, make_values<N>([&](int i) { return math::gelu<Scalar>(in.at[i]); }));
  }
};

template <class T>
struct GeluBackward {
  static constexpr const char* kName = "gelu_backward";
  static constexpr int kWidth = kVector<T>;
  const T *dy, *x;
  T* dx;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const Values<N> up = load<N>(dy + at), in = load<N>(x + at);
    store(dx + at, make_values<N>([&](int i) { return up.at[i] * math::gelu_slope<Scalar>(in.at[i]); }));
  }
};

}  // namespace

void gelu_forward(Stream stream, const GeluArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.count, Gelu<T>{static_cast<const T*>(args.x), static_cast<T*>(args.y)});
  });
}

void gelu_backward(Stream stream, const GeluBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(
        stream, args.count,
        GeluBackward<T>{static_cast<const T*>(args.dy), static_cast<const T*>(args.x), static_cast<T*>(args.dx)});
  });
}

}  // namespace gyrus::backend::cuda
