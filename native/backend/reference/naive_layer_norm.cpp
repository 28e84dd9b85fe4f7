// layer_norm with the fused residual, and its gradient: batch_norm's derivation with rows in place of channels; gamma
// varies along the row, so g = gamma dy enters the two means.
#include <cmath>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {

void layer_norm(const Call& call) {
  const auto& attrs = call.attrs_as<graph::LayerNormAttrs>();
  const Tensor &gamma = call.in[1], &beta = call.in[2], &y = call.out[0];
  const std::int64_t width = y.back();
  const double count = static_cast<double>(width);
  if (attrs.has_residual)
    for (std::int64_t i = 0; i < y.elements(); ++i) call.out[3][i] = call.in[0][i] + call.in[3][i];
  const Tensor& x = attrs.has_residual ? call.out[3] : call.in[0];
  for (std::int64_t row = 0; row < y.rows(); ++row) {
    const double* values = &x[row * width];
    double mean = 0, var = 0;
    for (std::int64_t i = 0; i < width; ++i) mean += values[i] / count;
    for (std::int64_t i = 0; i < width; ++i) var += std::pow(values[i] - mean, 2) / count;
    const double inv_std = 1 / std::sqrt(var + attrs.eps);
    for (std::int64_t i = 0; i < width; ++i) y[row * width + i] = gamma[i] * (values[i] - mean) * inv_std + beta[i];
    call.out[1][row] = mean;
    call.out[2][row] = inv_std;
  }
}

void layer_norm_grad(const Call& call) {
  const auto& attrs = call.attrs_as<graph::LayerNormAttrs>();
  const Tensor &dy = call.in[0], &x = call.in[1], &gamma = call.in[2], &mean = call.in[3], &inv_std = call.in[4];
  const Tensor &dx = call.out[0], &dgamma = call.out[1], &dbeta = call.out[2];
  const std::int64_t width = x.back();
  const double count = static_cast<double>(width);
  dgamma.fill(0);
  dbeta.fill(0);
  for (std::int64_t row = 0; row < x.rows(); ++row) {
    const auto normalised = [&](std::int64_t i) { return (x[row * width + i] - mean[row]) * inv_std[row]; };
    double sum = 0, projection = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      const double upstream = dy[row * width + i];
      sum += gamma[i] * upstream;
      projection += gamma[i] * upstream * normalised(i);
      dgamma[i] += upstream * normalised(i);
      dbeta[i] += upstream;
    }
    for (std::int64_t i = 0; i < width; ++i) {
      const std::int64_t at = row * width + i;
      dx[at] = inv_std[row] * (gamma[i] * dy[at] - sum / count - normalised(i) * projection / count);
      if (attrs.has_addend) dx[at] += call.in[5][at];
      if (attrs.has_rounded) call.out[3][at] = dx[at];
    }
  }
}

}  // namespace gyrus::backend::reference
