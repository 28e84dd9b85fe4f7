// Element by element: to_channels_last, cast, fill, relu, gelu, add, scale_rows. A cast changes nothing here: every
// value is f64.
#include <cmath>
#include <numbers>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {

double gelu_of(double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); }

double gelu_derivative_of(double x) {
  const double distribution = 0.5 * std::erfc(-x / std::numbers::sqrt2);
  const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
  return distribution + x * density;
}

void to_channels_last(const Call& call) {
  const Tensor &x = call.in[0], &y = call.out[0];
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t c = 0; c < x.shape[1]; ++c)
      for (std::int64_t h = 0; h < x.shape[2]; ++h)
        for (std::int64_t w = 0; w < x.shape[3]; ++w) y.at(n, h, w, c) = x.at(n, c, h, w);
}

void cast(const Call& call) {
  for (std::int64_t i = 0; i < call.out[0].elements(); ++i) call.out[0][i] = call.in[0][i];
}

void fill(const Call& call) { call.out[0].fill(call.attrs_as<graph::FillAttrs>().value); }

void relu(const Call& call) {
  const Tensor& x = call.in[0];
  for (std::int64_t i = 0; i < x.elements(); ++i) call.out[0][i] = x[i] <= 0 ? 0 : x[i];  // NaN stays NaN
}

void relu_grad(const Call& call) {
  const Tensor &dy = call.in[0], &y = call.in[1];
  for (std::int64_t i = 0; i < dy.elements(); ++i) call.out[0][i] = y[i] > 0 ? dy[i] : 0;
}

void gelu(const Call& call) {
  for (std::int64_t i = 0; i < call.in[0].elements(); ++i) call.out[0][i] = gelu_of(call.in[0][i]);
}

void gelu_grad(const Call& call) {
  const Tensor &dy = call.in[0], &x = call.in[1];
  for (std::int64_t i = 0; i < dy.elements(); ++i) call.out[0][i] = dy[i] * gelu_derivative_of(x[i]);
}

void add(const Call& call) {
  for (std::int64_t i = 0; i < call.out[0].elements(); ++i) call.out[0][i] = call.in[0][i] + call.in[1][i];
}

// y_n = factors[branch, n] x_n; a factor of 0 gives 0, whatever x holds.
void scale_rows(const Call& call) {
  const Tensor &x = call.in[0], &factors = call.in[1], &y = call.out[0];
  const std::int64_t images = x.shape[0], width = x.elements() / images;
  const std::int64_t first = call.attrs_as<graph::RowScaleAttrs>().branch * images;
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    const double factor = factors[first + i / width];
    y[i] = factor == 0 ? 0 : factor * x[i];
  }
}

}  // namespace gyrus::backend::reference
