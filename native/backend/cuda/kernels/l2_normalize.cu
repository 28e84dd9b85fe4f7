// l2_normalize: reads x twice (the second time from cache), writes y: A + 4 bytes an element, 3 operations.
// l2_normalize_backward: reads dy and y twice (the second time from cache), writes dx: 8 + A bytes, 5 operations.
#include "backend/cuda/kernels/l2_normalize.h"

#include "backend/cuda/kernels/rows.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kWidth>
struct Normalize {
  static constexpr const char* kName = "l2_normalize";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  const T* x;
  float *y, *inv_norm;
  std::int64_t rows, width;
  float eps;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t row = warp_row(thread);
    if (row >= rows) return;
    float squares = 0;
    for_lane<kWidth>(thread.lane(), width, [&](auto n, std::int64_t at) {
      const auto in = load<n.value>(x + row * width + at);
      for (int i = 0; i < n.value; ++i) squares = Scalar::mul_add(in.at[i], in.at[i], squares);
    });
    const float norm = Scalar::sqrt(thread.warp_sum(squares));
    const float inverse = 1 / (norm < eps ? eps : norm);  // a NaN stays one
    for_lane<kWidth>(thread.lane(), width, [&](auto n, std::int64_t at) {
      const auto in = load<n.value>(x + row * width + at);
      store(y + row * width + at, make_values<n.value>([&](int i) { return in.at[i] * inverse; }));
    });
    if (thread.lane() == 0) inv_norm[row] = inverse;
  }
};

template <class T, int kWidth>
struct NormalizeBackward {
  static constexpr const char* kName = "l2_normalize_backward";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  const float *dy, *y, *inv_norm;
  T* dx;
  std::int64_t rows, width;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t row = warp_row(thread);
    if (row >= rows) return;
    const float *up = dy + row * width, *out = y + row * width;
    float along = 0;
    for_lane<kWidth>(thread.lane(), width, [&](auto n, std::int64_t at) {
      const auto g = load<n.value>(up + at), v = load<n.value>(out + at);
      for (int i = 0; i < n.value; ++i) along = Scalar::mul_add(g.at[i], v.at[i], along);
    });
    along = thread.warp_sum(along);
    const float inverse = inv_norm[row];
    for_lane<kWidth>(thread.lane(), width, [&](auto n, std::int64_t at) {
      const auto g = load<n.value>(up + at), v = load<n.value>(out + at);
      store(dx + row * width + at, make_values<n.value>([&](int i) { return inverse * (g.at[i] - v.at[i] * along); }));
    });
  }
};

}  // namespace

void l2_normalize_forward(Stream stream, const L2NormalizeArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<float>(args.width, [&]<int kWidth>(Width<kWidth>) {
      launch(
          stream, {warp_row_blocks(args.rows)},
          Normalize<T, kWidth>{static_cast<const T*>(args.x), args.y, args.inv_norm, args.rows, args.width, args.eps});
    });
  });
}

void l2_normalize_backward(Stream stream, const L2NormalizeBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<float>(args.width, [&]<int kWidth>(Width<kWidth>) {
      launch(stream, {warp_row_blocks(args.rows)},
             NormalizeBackward<T, kWidth>{args.dy, args.y, args.inv_norm, static_cast<T*>(args.dx), args.rows,
                                          args.width});
    });
  });
}

}  // namespace gyrus::backend::cuda
