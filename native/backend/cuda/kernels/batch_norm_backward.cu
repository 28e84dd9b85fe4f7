// Gradient of batch_norm, in three launches over [rows, C], with g = (dy + addend) where y > 0:
//   sums    of g and of g xhat: reads dy, x and what there is of addend and y (2 to 4 A bytes an element), writes
//           d_residual = g where it is asked for; 5 operations
//   finish  some bytes a channel and part
//   dx      gamma inv_std (g - mean(g) - xhat mean(g xhat)): reads x and d_residual, or again dy, addend and y; writes
//           dx: 3 to 5 A bytes an element, 6 operations. (The derivation: reference/naive_batch_norm.cpp.)
#include "backend/cuda/kernels/batch_norm.h"
#include "backend/cuda/kernels/column_map.h"
#include "math/relu.h"

namespace gyrus::backend::cuda {
namespace {

// What reaches the normalisation. Null pointers are branches that all threads take alike.
template <class T>
struct Upstream {
  const T *dy, *addend, *y;

  template <int N>
  GYRUS_DEVICE Values<N> at(std::int64_t index) const {
    Values<N> g = load<N>(dy + index);
    if (addend != nullptr) {
      const Values<N> other = load<N>(addend + index);
      g = make_values<N>([&](int i) { return g.at[i] + other.at[i]; });
    }
    if (y != nullptr) {
      const Values<N> out = load<N>(y + index);
      g = make_values<N>([&](int i) { return math::relu_gradient<Scalar>(g.at[i], out.at[i]); });
    }
    return g;
  }
};

template <int N>
struct Statistics {
  Values<N> mean, inv_std;
};

template <class T>
struct BackwardTerms {
  static constexpr const char* kName = "batch_norm_backward, sums";
  static constexpr int kSums = 2;
  Upstream<T> upstream;
  const T* x;
  const float *mean, *inv_std;
  T* d_residual;

  template <int N>
  GYRUS_DEVICE Statistics<N> tables(std::int64_t channel) const {
    return {load<N>(mean + channel), load<N>(inv_std + channel)};
  }
  template <int N>
  GYRUS_DEVICE void add(const Statistics<N>& s, std::int64_t at, std::int64_t, Values<N> (&sums)[2]) const {
    const Values<N> g = upstream.template at<N>(at), in = load<N>(x + at);
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) {
      sums[0].at[i] += g.at[i];
      const float xhat = (in.at[i] - s.mean.at[i]) * s.inv_std.at[i];
      sums[1].at[i] = Scalar::mul_add(g.at[i], xhat, sums[1].at[i]);
    }
    if (d_residual != nullptr) store(d_residual + at, g);
  }
};

struct BackwardFinish {
  static constexpr const char* kName = "batch_norm_backward, parts";
  static constexpr int kSums = 2;
  float *dgamma, *dbeta;
  float *mean_g, *mean_g_xhat;  // [C] scratch
  std::int64_t rows;

  GYRUS_DEVICE void operator()(std::int64_t channel, const double (&sums)[2]) const {
    if (dgamma != nullptr) {
      dgamma[channel] = static_cast<float>(sums[1]);
      dbeta[channel] = static_cast<float>(sums[0]);
    }
    mean_g[channel] = static_cast<float>(sums[0] / static_cast<double>(rows));
    mean_g_xhat[channel] = static_cast<float>(sums[1] / static_cast<double>(rows));
  }
};

// dx = scale (g - mean_g - (x - mean) slope), where slope = inv_std mean_g_xhat and scale = gamma inv_std.
template <int N>
struct BackwardTables {
  Values<N> mean, scale, slope, mean_g;
};

template <class T>
struct BackwardMap {
  static constexpr const char* kName = "batch_norm_backward, dx";
  Upstream<T> upstream;
  const T* x;
  const float *gamma, *mean, *inv_std, *mean_g, *mean_g_xhat;
  T* dx;

  template <int N>
  GYRUS_DEVICE BackwardTables<N> tables(std::int64_t channel) const {
    const Values<N> factor = load<N>(inv_std + channel), along = load<N>(mean_g_xhat + channel);
    return {load<N>(mean + channel),
            make_values<N>([&](int i) { return factor.at[i] * (gamma != nullptr ? gamma[channel + i] : 1.0F); }),
            make_values<N>([&](int i) { return factor.at[i] * along.at[i]; }), load<N>(mean_g + channel)};
  }
  template <int N>
  GYRUS_DEVICE void run(const BackwardTables<N>& t, std::int64_t at) const {
    const Values<N> g = upstream.template at<N>(at), in = load<N>(x + at);
    store(dx + at, make_values<N>([&](int i) {
            const float projected = Scalar::mul_add(in.at[i] - t.mean.at[i], t.slope.at[i], t.mean_g.at[i]);
            return t.scale.at[i] * (g.at[i] - projected);
          }));
  }
};

template <class T>
void batch_norm_backward_as(Stream stream, const BatchNormBackwardArgs& args) {
  const T* x = static_cast<const T*>(args.x);
  T* d_residual = static_cast<T*>(args.d_residual);
  Upstream<T> upstream{static_cast<const T*>(args.dy), static_cast<const T*>(args.addend),
                       static_cast<const T*>(args.y)};
  auto* mean_g = static_cast<float*>(args.scratch);
  float* mean_g_xhat = mean_g + divide_up(args.channels, 16) * 16;
  float* partial = mean_g_xhat + divide_up(args.channels, 16) * 16;
  launch_column_sums<T>(stream, args.rows, args.channels,
                        BackwardTerms<T>{upstream, x, args.mean, args.inv_std, d_residual},
                        BackwardFinish{args.dgamma, args.dbeta, mean_g, mean_g_xhat, args.rows}, partial);
  if (d_residual != nullptr) upstream = {d_residual, nullptr, nullptr};
  launch_column_map<T>(
      stream, args.rows, args.channels,
      BackwardMap<T>{upstream, x, args.gamma, args.mean, args.inv_std, mean_g, mean_g_xhat, static_cast<T*>(args.dx)});
}

}  // namespace

std::int64_t batch_norm_backward_scratch_bytes(const BatchNormBackwardArgs& args) {
  const std::int64_t tables = 2 * divide_up(args.channels, 16) * 16 * static_cast<std::int64_t>(sizeof(float));
  return tables + column_scratch_bytes(args.dtype, args.rows, args.channels, 2);
}

void batch_norm_backward(Stream stream, const BatchNormBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) { batch_norm_backward_as<T>(stream, args); });
}

}  // namespace gyrus::backend::cuda
