// batch_norm, in three launches over [rows, C]:
//   statistics  reads x once (A bytes an element), 3 operations; f32 within a part of the rows, f64 across parts
//   finish      some bytes a channel and part
//   apply       batch_norm_apply.h: 2 or 3 A bytes an element
// Sums are of x - shift, where shift is the mean of four rows spread over the array: the variance then has the accuracy
// of two passes, and all parts have one shift.
#include "backend/cuda/kernels/batch_norm.h"

#include "backend/cuda/kernels/batch_norm_apply.h"

namespace gyrus::backend::cuda {
namespace {

template <class T>
struct Shift {
  const T* x;
  std::int64_t rows, channels;

  template <int N>
  GYRUS_DEVICE Values<N> of(std::int64_t channel) const {
    Values<N> sum = {};
    for (int k = 0; k < 4; ++k) {
      const Values<N> row = load<N>(x + rows * k / 4 * channels + channel);
      GYRUS_UNROLL
      for (int i = 0; i < N; ++i) sum.at[i] += row.at[i];
    }
    return make_values<N>([&](int i) { return sum.at[i] * 0.25F; });
  }
};

template <class T>
struct StatisticsTerms {
  static constexpr const char* kName = "batch_norm_statistics";
  static constexpr int kSums = 2;
  Shift<T> shift;

  template <int N>
  GYRUS_DEVICE Values<N> tables(std::int64_t channel) const {
    return shift.template of<N>(channel);
  }
  template <int N>
  GYRUS_DEVICE void add(const Values<N>& shifts, std::int64_t at, std::int64_t, Values<N> (&sums)[2]) const {
    const Values<N> in = load<N>(shift.x + at);
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) {
      const float d = in.at[i] - shifts.at[i];
      sums[0].at[i] += d;
      sums[1].at[i] = Scalar::mul_add(d, d, sums[1].at[i]);
    }
  }
};

template <class T>
struct StatisticsFinish {
  static constexpr const char* kName = "batch_norm_statistics, parts";
  static constexpr int kSums = 2;
  Shift<T> shift;
  float *mean, *inv_std, *running_mean, *running_var;
  float eps, momentum;

  GYRUS_DEVICE void operator()(std::int64_t channel, const double (&sums)[2]) const {
    const double rows = static_cast<double>(shift.rows), offset = sums[0] / rows;
    const double centre = static_cast<double>(shift.template of<1>(channel).at[0]) + offset;
    const double spread = sums[1] / rows - offset * offset, var = spread < 0 ? 0 : spread;  // NaN stays NaN
    mean[channel] = static_cast<float>(centre);
    inv_std[channel] = static_cast<float>(1 / math::ScalarPack<double>::sqrt(var + static_cast<double>(eps)));
    if (running_mean == nullptr) return;
    const double rate = momentum;
    running_mean[channel] = static_cast<float>((1 - rate) * static_cast<double>(running_mean[channel]) + rate * centre);
    running_var[channel] =
        static_cast<float>((1 - rate) * static_cast<double>(running_var[channel]) + rate * var * rows / (rows - 1));
  }
};

struct SavedInvStd {
  const float* inv_std;
  GYRUS_DEVICE float operator()(std::int64_t channel) const { return inv_std[channel]; }
};

}  // namespace

std::int64_t batch_norm_scratch_bytes(const BatchNormArgs& args) {
  return column_scratch_bytes(args.dtype, args.rows, args.channels, 2);
}

void batch_norm_statistics(Stream stream, const BatchNormArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    const Shift<T> shift{static_cast<const T*>(args.x), args.rows, args.channels};
    const StatisticsFinish<T> finish{shift,    args.mean,    args.inv_std, args.running_mean, args.running_var,
                                     args.eps, args.momentum};
    launch_column_sums<T>(stream, args.rows, args.channels, StatisticsTerms<T>{shift}, finish,
                          static_cast<float*>(args.scratch));
  });
}

void batch_norm_apply(Stream stream, const BatchNormArgs& args) {
  launch_batch_norm_apply(stream, args, args.mean, SavedInvStd{args.inv_std});
}

void batch_norm_forward(Stream stream, const BatchNormArgs& args) {
  batch_norm_statistics(stream, args);
  batch_norm_apply(stream, args);
}

}  // namespace gyrus::backend::cuda
