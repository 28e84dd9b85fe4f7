// layer_norm: a warp a row, which it holds in registers up to 1024 numbers wide; wider or odd rows are read three
// times, the second and third from cache. Reads x (and the residual), writes y (and the sum): 2 to 4 A bytes an
// element, some 8 operations. The variance is of differences from the mean: two passes over the registers.
#include "backend/cuda/kernels/layer_norm.h"

#include "backend/cuda/kernels/rows.h"
#include "math/norm_terms.h"

namespace gyrus::backend::cuda {
namespace {

// X, Sum: element types of x, and of the residual and the sum; Y of y.
template <class X, class Sum, class Y>
struct RowPointers {
  const X* x;
  const Sum* residual;  // null: there is none, and no sum
  Sum* sum;
  Y* y;
  const float *gamma, *beta;
  float *mean, *inv_std;
  std::int64_t rows, width;
  float eps;

  // What is normalised; a sum is also kept, and taken as it is kept: the gradient reads it there.
  template <int N>
  GYRUS_DEVICE Values<N> input(std::int64_t at) const {
    Values<N> in = load<N>(x + at);
    if (residual == nullptr) return in;
    const Values<N> other = load<N>(residual + at);
    in = make_values<N>([&](int i) { return rounded<Sum>(in.at[i] + other.at[i]); });
    store(sum + at, in);
    return in;
  }
  template <int N>
  GYRUS_DEVICE void write(std::int64_t at, std::int64_t d, const Values<N>& in, float centre, float factor) const {
    const Values<N> scale = load<N>(gamma + d), shift = load<N>(beta + d);
    store(y + at, make_values<N>([&](int i) {
            return Scalar::mul_add(scale.at[i], math::standardised<Scalar>(in.at[i], centre, factor), shift.at[i]);
          }));
  }
  GYRUS_DEVICE void keep(int lane, std::int64_t row, float centre, float factor) const {
    if (lane != 0) return;
    mean[row] = centre;
    inv_std[row] = factor;
  }
};

constexpr int kWidth = 4;  // elements an access: 16 bytes of f32

// Rows of at most kChunks * 128 numbers, a multiple of 4.
template <class Pointers, int kChunks>
struct LayerNormHeld {
  static constexpr const char* kName = "layer_norm";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  Pointers p;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t row = warp_row(thread), width = p.width;
    if (row >= p.rows) return;
    const float count = static_cast<float>(width);
    Values<kWidth> held[kChunks] = {};
    float sum = 0;
    GYRUS_UNROLL
    for (int k = 0; k < kChunks; ++k) {
      const std::int64_t d = std::int64_t{k * 32 + thread.lane()} * kWidth;
      if (d >= width) continue;
      held[k] = p.template input<kWidth>(row * width + d);
      GYRUS_UNROLL
      for (int i = 0; i < kWidth; ++i) sum += held[k].at[i];
    }
    const float mean = thread.warp_sum(sum) / count;
    float squares = 0;
    GYRUS_UNROLL
    for (int k = 0; k < kChunks; ++k) {
      if (std::int64_t{k * 32 + thread.lane()} * kWidth >= width) continue;
      GYRUS_UNROLL
      for (int i = 0; i < kWidth; ++i) {
        const float d = held[k].at[i] - mean;
        squares = Scalar::mul_add(d, d, squares);
      }
    }
    const float inv_std = 1 / Scalar::sqrt(thread.warp_sum(squares) / count + p.eps);
    GYRUS_UNROLL
    for (int k = 0; k < kChunks; ++k) {
      const std::int64_t d = std::int64_t{k * 32 + thread.lane()} * kWidth;
      if (d < width) p.template write<kWidth>(row * width + d, d, held[k], mean, inv_std);
    }
    p.keep(thread.lane(), row, mean, inv_std);
  }
};

// Rows of any width. With a residual the second and third reading are of the sum that the same thread wrote.
template <class Pointers>
struct LayerNormStreamed {
  static constexpr const char* kName = "layer_norm";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  Pointers p;

  GYRUS_DEVICE Values<1> again(std::int64_t at) const {
    return p.residual == nullptr ? load<1>(p.x + at) : load<1>(p.sum + at);
  }

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t row = warp_row(thread), width = p.width;
    if (row >= p.rows) return;
    const float count = static_cast<float>(width);
    float sum = 0, squares = 0;
    for_lane<1>(thread.lane(), width, [&](auto, std::int64_t d) { sum += p.template input<1>(row * width + d).at[0]; });
    const float mean = thread.warp_sum(sum) / count;
    for_lane<1>(thread.lane(), width, [&](auto, std::int64_t d) {
      const float difference = again(row * width + d).at[0] - mean;
      squares = Scalar::mul_add(difference, difference, squares);
    });
    const float inv_std = 1 / Scalar::sqrt(thread.warp_sum(squares) / count + p.eps);
    for_lane<1>(thread.lane(), width, [&](auto, std::int64_t d) {
      p.template write<1>(row * width + d, d, again(row * width + d), mean, inv_std);
    });
    p.keep(thread.lane(), row, mean, inv_std);
  }
};

template <class X, class Sum, class Y>
void layer_norm_as(Stream stream, const LayerNormArgs& args) {
  using Pointers = RowPointers<X, Sum, Y>;
  const Pointers pointers{static_cast<const X*>(args.x),
                          static_cast<const Sum*>(args.residual),
                          static_cast<Sum*>(args.sum),
                          static_cast<Y*>(args.y),
                          args.gamma,
                          args.beta,
                          args.mean,
                          args.inv_std,
                          args.rows,
                          args.width,
                          args.eps};
  const Grid grid{warp_row_blocks(args.rows)};
  if (args.width % kWidth == 0 && args.width <= 512) return launch(stream, grid, LayerNormHeld<Pointers, 4>{pointers});
  if (args.width % kWidth == 0 && args.width <= 1024) return launch(stream, grid, LayerNormHeld<Pointers, 8>{pointers});
  launch(stream, grid, LayerNormStreamed<Pointers>{pointers});
}

}  // namespace

void layer_norm_forward(Stream stream, const LayerNormArgs& args) {
  GYRUS_CHECK((args.residual == nullptr) == (args.sum == nullptr), Code::internal,
              "layer_norm: a residual and a sum come together");
  const DType sum_dtype = args.residual == nullptr ? args.x_dtype : args.residual_dtype;
  for_dtype(args.x_dtype, [&]<class X>(X) {
    if constexpr (sizeof(X) == 4) {
      GYRUS_CHECK(sum_dtype == DType::f32, Code::internal, "layer_norm: x is f32 and the residual is not");
      for_dtype(args.y_dtype, [&]<class Y>(Y) { layer_norm_as<X, float, Y>(stream, args); });
    } else {
      GYRUS_CHECK(args.y_dtype == args.x_dtype || sum_dtype == DType::f32, Code::internal,
                  "layer_norm: what is normalised is bf16 and y is not");
      if (args.y_dtype != args.x_dtype) return layer_norm_as<X, float, float>(stream, args);
      for_dtype(sum_dtype, [&]<class Sum>(Sum) { layer_norm_as<X, Sum, X>(stream, args); });
    }
  });
}

}  // namespace gyrus::backend::cuda
