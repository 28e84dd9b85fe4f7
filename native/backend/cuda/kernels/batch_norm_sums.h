// The statistics of a batch from sums that another kernel has taken.
#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"

namespace gyrus::backend::cuda {

// mean = sum / rows, var = squares / rows - mean^2, in f64. The sums are f32 of values as they are, with nothing
// subtracted first, so the difference loses var about (mean / deviation)^2 times their relative error, which is some
// 1e-6 for a million rows: a thousandth of var where the mean is thirty deviations away. The stored bf16 values are
// rounded by more than that, 2^-9 of the mean, so nothing is lost that they still had. Never below zero.
struct BatchNormSumsArgs {
  const float *sums = nullptr, *squares = nullptr;        // [C]
  float *mean = nullptr, *inv_std = nullptr;              // [C]
  float *running_mean = nullptr, *running_var = nullptr;  // [C], updated (var without bias); or both null
  std::int64_t rows = 0, channels = 0;                    // rows >= 2
  float eps = 1e-5F, momentum = 0.1F;
};
void batch_norm_from_sums(Stream stream, const BatchNormSumsArgs& args);

}  // namespace gyrus::backend::cuda
