// relu: reads x, writes y (2 A bytes an element), 1 operation. relu_backward: reads dy and y, writes dx (3 A), 1.
#include "backend/cuda/kernels/relu.h"

#include "backend/cuda/kernels/flat.h"
#include "math/relu.h"

namespace gyrus::backend::cuda {
namespace {

template <class T>
struct Relu {
  static constexpr const char* kName = "relu";
  static constexpr int kWidth = kVector<T>;
  const T* x;
  T* y;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const Values<N> in = load<N>(x + at);
    store(y + at, make_values<N>([&](int i) { return math::relu<Scalar>(in.at[i]); }));
  }
};

template <class T>
struct ReluBackward {
  static constexpr const char* kName = "relu_backward";
  static constexpr int kWidth = kVector<T>;
  const T *dy, *y;
  T* dx;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const Values<N> up = load<N>(dy + at), out = load<N>(y + at);
    store(dx + at, make_values<N>([&](int i) { return math::relu_gradient<Scalar>(up.at[i], out.at[i]); }));
  }
};

}  // namespace

void relu_forward(Stream stream, const ReluArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.count, Relu<T>{static_cast<const T*>(args.x), static_cast<T*>(args.y)});
  });
}

void relu_backward(Stream stream, const ReluBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(
        stream, args.count,
        ReluBackward<T>{static_cast<const T*>(args.dy), static_cast<const T*>(args.y), static_cast<T*>(args.dx)});
  });
}

}  // namespace gyrus::backend::cuda
