// Gradient of layer_norm. Rows up to 1024 numbers wide, a multiple of 4:
//   rows    a warp a row, a block a range of rows: reads dy, x and the addend, writes dx (3 or 4 A bytes an element; 16
//           where x is an f32 stream and A bf16, of which dx rounded takes 2; some 14 operations), and keeps its
//           columns' dgamma and dbeta in registers until its rows are done
//   finish  adds the blocks' dgamma and dbeta in f64
// Other widths: a kernel for dx that reads its row twice, and sums over the columns as batch_norm has them (another 2 A
// bytes an element).
#include "backend/cuda/kernels/columns.h"
#include "backend/cuda/kernels/layer_norm.h"
#include "backend/cuda/kernels/rows.h"
#include "math/norm_terms.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kWidth = 4;  // elements an access: 16 bytes of f32
constexpr std::int64_t kMostParts = 1024;

// A: element type of dy and of dx rounded; X: of x, the addend and dx.
template <class A, class X>
struct BackwardPointers {
  const A* dy;
  const X *x, *addend;  // addend may be null
  const float *gamma, *mean, *inv_std;
  X* dx;
  A* rounded;  // may be null
  std::int64_t rows, width;

  template <int N>
  GYRUS_DEVICE Values<N> xhat(std::int64_t at, float centre, float factor) const {
    const Values<N> in = load<N>(x + at);
    return make_values<N>([&](int i) { return math::standardised<Scalar>(in.at[i], centre, factor); });
  }
  template <int N>
  GYRUS_DEVICE Values<N> h(const Values<N>& up, std::int64_t d) const {
    const Values<N> scale = load<N>(gamma + d);
    return make_values<N>([&](int i) { return scale.at[i] * up.at[i]; });
  }
  template <int N>
  GYRUS_DEVICE void write(std::int64_t at, const Values<N>& of_h, const Values<N>& of_x, float mean_h,
                          float mean_h_xhat, float factor) const {
    auto out = make_values<N>(
        [&](int i) { return math::layer_norm_gradient<Scalar>(of_h.at[i], of_x.at[i], mean_h, mean_h_xhat, factor); });
    if (addend != nullptr) {
      const Values<N> other = load<N>(addend + at);
      out = make_values<N>([&](int i) { return out.at[i] + other.at[i]; });
    }
    store(dx + at, out);
    if (rounded != nullptr) store(rounded + at, out);
  }
};

// One of a block's two tables of column sums: warps hand theirs over in turn, chunk by chunk.
template <int kChunks>
using ColumnTotals = Values<kWidth>[kChunks];

template <class Pointers, int kChunks>
struct BackwardHeld {
  static constexpr const char* kName = "layer_norm_backward, rows";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  Pointers p;
  std::int64_t rows_per_part, parts;
  float* partial;  // [2][parts][width]: dgamma, dbeta

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    Values<kWidth> dgamma[kChunks] = {}, dbeta[kChunks] = {};
    const std::int64_t begin = thread.block() * rows_per_part;
    const std::int64_t end = begin + rows_per_part < p.rows ? begin + rows_per_part : p.rows;
    for (std::int64_t row = begin + thread.warp(); row < end; row += kWarpsPerBlock) {
      one_row(thread, row, dgamma, dbeta);
    }
    hand_over(thread, dgamma, partial + thread.block() * p.width);
    hand_over(thread, dbeta, partial + (parts + thread.block()) * p.width);
  }

  GYRUS_DEVICE void one_row(const Thread& thread, std::int64_t row, ColumnTotals<kChunks>& dgamma,
                            ColumnTotals<kChunks>& dbeta) const {
    const float centre = p.mean[row], factor = p.inv_std[row], count = static_cast<float>(p.width);
    Values<kWidth> xhat[kChunks] = {}, h[kChunks] = {};
    float sum = 0, along = 0;
    GYRUS_UNROLL
    for (int k = 0; k < kChunks; ++k) {
      const std::int64_t d = std::int64_t{k * 32 + thread.lane()} * kWidth;
      if (d >= p.width) continue;
      const auto up = load<kWidth>(p.dy + row * p.width + d);
      xhat[k] = p.template xhat<kWidth>(row * p.width + d, centre, factor);
      h[k] = p.template h<kWidth>(up, d);
      GYRUS_UNROLL
      for (int i = 0; i < kWidth; ++i) {
        sum += h[k].at[i];
        along = Scalar::mul_add(h[k].at[i], xhat[k].at[i], along);
        dbeta[k].at[i] += up.at[i];
        dgamma[k].at[i] = Scalar::mul_add(up.at[i], xhat[k].at[i], dgamma[k].at[i]);
      }
    }
    sum = thread.warp_sum(sum) / count;
    along = thread.warp_sum(along) / count;
    GYRUS_UNROLL
    for (int k = 0; k < kChunks; ++k) {
      const std::int64_t d = std::int64_t{k * 32 + thread.lane()} * kWidth;
      if (d < p.width) p.template write<kWidth>(row * p.width + d, h[k], xhat[k], sum, along, factor);
    }
  }

  GYRUS_DEVICE void hand_over(const Thread& thread, const ColumnTotals<kChunks>& totals, float* to) const {
    constexpr int kColumns = 32 * kWidth;  // of a chunk
    GYRUS_SHARED(float, shared, kWarpsPerBlock* kColumns);
    GYRUS_UNROLL
    for (int k = 0; k < kChunks; ++k) {
      GYRUS_UNROLL
      for (int i = 0; i < kWidth; ++i) {
        shared[(thread.warp() * kWidth + i) * 32 + thread.lane()] = totals[k].at[i];
      }
      thread.sync();
      const int column = thread.index();
      const std::int64_t d = std::int64_t{k} * kColumns + column;
      if (column < kColumns && d < p.width) {
        float total = 0;
        for (int warp = 0; warp < kWarpsPerBlock; ++warp) {
          total += shared[(warp * kWidth + column % kWidth) * 32 + column / kWidth];
        }
        to[d] = total;
      }
      thread.sync();
    }
  }
};

template <class Pointers>
struct BackwardStreamed {
  static constexpr const char* kName = "layer_norm_backward, dx";
  static constexpr int kThreads = 32 * kWarpsPerBlock;
  static constexpr bool kIsCooperative = true;
  Pointers p;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t row = warp_row(thread), width = p.width;
    if (row >= p.rows) return;
    const float centre = p.mean[row], factor = p.inv_std[row], count = static_cast<float>(width);
    float sum = 0, along = 0;
    for_lane<1>(thread.lane(), width, [&](auto, std::int64_t d) {
      const auto h = p.template h<1>(load<1>(p.dy + row * width + d), d);
      sum += h.at[0];
      along = Scalar::mul_add(h.at[0], p.template xhat<1>(row * width + d, centre, factor).at[0], along);
    });
    sum = thread.warp_sum(sum) / count;
    along = thread.warp_sum(along) / count;
    for_lane<1>(thread.lane(), width, [&](auto, std::int64_t d) {
      const std::int64_t at = row * width + d;
      const auto h = p.template h<1>(load<1>(p.dy + at), d);
      p.template write<1>(at, h, p.template xhat<1>(at, centre, factor), sum, along, factor);
    });
  }
};

template <class Pointers>
struct ParameterTerms {
  static constexpr const char* kName = "layer_norm_backward, columns";
  static constexpr int kSums = 2;
  Pointers p;

  struct Tables {};
  template <int N>
  GYRUS_DEVICE Tables tables(std::int64_t) const {
    return {};
  }
  template <int N>
  GYRUS_DEVICE void add(const Tables&, std::int64_t at, std::int64_t row, Values<N> (&sums)[2]) const {
    const auto up = load<N>(p.dy + at), of_x = p.template xhat<N>(at, p.mean[row], p.inv_std[row]);
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) {
      sums[0].at[i] = Scalar::mul_add(up.at[i], of_x.at[i], sums[0].at[i]);
      sums[1].at[i] += up.at[i];
    }
  }
};

struct ParameterFinish {
  static constexpr const char* kName = "layer_norm_backward, parts";
  static constexpr int kSums = 2;
  float *dgamma, *dbeta;
  GYRUS_DEVICE void operator()(std::int64_t d, const double (&sums)[2]) const {
    dgamma[d] = static_cast<float>(sums[0]);
    dbeta[d] = static_cast<float>(sums[1]);
  }
};

bool is_held(std::int64_t width) { return width % kWidth == 0 && width <= 1024; }

// A multiple of the warps, so that all have the same number of rows.
std::int64_t rows_per_part(std::int64_t rows) {
  return divide_up(divide_up(rows, kMostParts), kWarpsPerBlock) * kWarpsPerBlock;
}

template <class A, class X>
void layer_norm_backward_as(Stream stream, const LayerNormBackwardArgs& args) {
  using Pointers = BackwardPointers<A, X>;
  const Pointers pointers{static_cast<const A*>(args.dy),
                          static_cast<const X*>(args.x),
                          static_cast<const X*>(args.addend),
                          args.gamma,
                          args.mean,
                          args.inv_std,
                          static_cast<X*>(args.dx),
                          static_cast<A*>(args.rounded),
                          args.rows,
                          args.width};
  auto* partial = static_cast<float*>(args.scratch);
  const ParameterFinish finish{args.dgamma, args.dbeta};
  if (!is_held(args.width)) {
    // The sums read dy first: dx may replace it.
    launch_column_sums<A>(stream, args.rows, args.width, ParameterTerms<Pointers>{pointers}, finish, partial);
    return launch(stream, {warp_row_blocks(args.rows)}, BackwardStreamed<Pointers>{pointers});
  }
  const std::int64_t per_part = rows_per_part(args.rows), parts = divide_up(args.rows, per_part);
  if (args.width <= 512) {
    launch(stream, {parts}, BackwardHeld<Pointers, 4>{pointers, per_part, parts, partial});
  } else {
    launch(stream, {parts}, BackwardHeld<Pointers, 8>{pointers, per_part, parts, partial});
  }
  launch_column_finish(stream, finish, partial, parts, args.width);
}

}  // namespace

std::int64_t layer_norm_backward_scratch_bytes(const LayerNormBackwardArgs& args) {
  if (!is_held(args.width)) return column_scratch_bytes(args.dtype, args.rows, args.width, 2);
  return divide_up(args.rows, rows_per_part(args.rows)) * args.width * 2 * static_cast<std::int64_t>(sizeof(float));
}

void layer_norm_backward(Stream stream, const LayerNormBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class A>(A) {
    for_dtype(args.x_dtype, [&]<class X>(X) {
      if constexpr (sizeof(X) >= sizeof(A)) {
        layer_norm_backward_as<A, X>(stream, args);
      } else {
        GYRUS_CHECK(false, Code::internal, "layer_norm_backward: dy is f32 and x is not");
      }
    });
  });
}

}  // namespace gyrus::backend::cuda
