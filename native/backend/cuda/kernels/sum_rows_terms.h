// The plain sum over all rows, for the kernels that have it as a part.
#pragma once

#include "backend/cuda/kernels/columns.h"

namespace gyrus::backend::cuda {

template <class T>
struct RowSumTerms {
  static constexpr const char* kName = "sum_rows";
  static constexpr int kSums = 1;
  const T* x;

  struct Tables {};
  template <int N>
  GYRUS_DEVICE Tables tables(std::int64_t) const {
    return {};
  }
  template <int N>
  GYRUS_DEVICE void add(const Tables&, std::int64_t at, std::int64_t, Values<N> (&sums)[1]) const {
    const Values<N> in = load<N>(x + at);
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) sums[0].at[i] += in.at[i];
  }
};

struct RowSumFinish {
  static constexpr const char* kName = "sum_rows, parts";
  static constexpr int kSums = 1;
  float* sums;
  GYRUS_DEVICE void operator()(std::int64_t channel, const double (&total)[1]) const {
    sums[channel] = static_cast<float>(total[0]);
  }
};

}  // namespace gyrus::backend::cuda
