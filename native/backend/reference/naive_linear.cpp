// linear (with its fused GELU), its two gradients, and sum_rows.
#include "backend/reference/naive.h"

namespace gyrus::backend::reference {

void linear(const Call& call) {
  const bool has_gelu = call.attrs_as<graph::LinearAttrs>().activation == graph::Activation::gelu;
  const Tensor &x = call.in[0], &w = call.in[1], &y = call.out[0];
  const std::int64_t width = x.back(), outputs = y.back();
  for (std::int64_t row = 0; row < x.rows(); ++row)
    for (std::int64_t o = 0; o < outputs; ++o) {
      double sum = call.in.size() > 2 ? call.in[2][o] : 0;
      for (std::int64_t k = 0; k < width; ++k) sum += x[row * width + k] * w[o * width + k];
      y[row * outputs + o] = has_gelu ? gelu_of(sum) : sum;
      if (has_gelu) call.out[1][row * outputs + o] = sum;
    }
}

void linear_grad_input(const Call& call) {
  const Tensor &dy = call.in[0], &w = call.in[1], &dx = call.out[0];
  const std::int64_t width = dx.back(), outputs = dy.back();
  dx.fill(0);
  for (std::int64_t row = 0; row < dy.rows(); ++row)
    for (std::int64_t o = 0; o < outputs; ++o)
      for (std::int64_t k = 0; k < width; ++k) dx[row * width + k] += dy[row * outputs + o] * w[o * width + k];
}

void linear_grad_weight(const Call& call) {
  const Tensor &x = call.in[0], &dy = call.in[1], &dw = call.out[0];
  const std::int64_t width = x.back(), outputs = dy.back();
  dw.fill(0);
  for (std::int64_t row = 0; row < dy.rows(); ++row)
    for (std::int64_t o = 0; o < outputs; ++o)
      for (std::int64_t k = 0; k < width; ++k) dw[o * width + k] += dy[row * outputs + o] * x[row * width + k];
}

void sum_rows(const Call& call) {
  const Tensor &x = call.in[0], &sum = call.out[0];
  sum.fill(0);
  for (std::int64_t i = 0; i < x.elements(); ++i) sum[i % x.back()] += x[i];
}

}  // namespace gyrus::backend::reference
