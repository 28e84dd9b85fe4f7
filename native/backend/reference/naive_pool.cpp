// max_pool and global_avg_pool with their gradients. Padding never wins: only pixels inside the image are looked at.
#include <cmath>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {

void max_pool(const Call& call) {
  const auto& attrs = call.attrs_as<graph::PoolAttrs>();
  const Tensor &x = call.in[0], &y = call.out[0], &index = call.out[1];
  for (std::int64_t at = 0; at < y.elements(); ++at) {
    const std::int64_t c = at % y.back(), pixel = at / y.back();
    const std::int64_t ow = pixel % y.shape[2], oh = pixel / y.shape[2] % y.shape[1],
                       n = pixel / y.shape[2] / y.shape[1];
    bool is_first = true;
    for (std::int64_t k = 0; k < std::int64_t{attrs.kernel} * attrs.kernel; ++k) {
      const std::int64_t h = oh * attrs.stride + k / attrs.kernel - attrs.padding;
      const std::int64_t w = ow * attrs.stride + k % attrs.kernel - attrs.padding;
      if (h < 0 || h >= x.shape[1] || w < 0 || w >= x.shape[2]) continue;
      const double value = x.at(n, h, w, c);
      if (is_first || value > y[at] || (std::isnan(value) && !std::isnan(y[at]))) {
        y[at] = value;
        index[at] = static_cast<double>(k);
      }
      is_first = false;
    }
  }
}

void max_pool_grad(const Call& call) {
  const auto& attrs = call.attrs_as<graph::PoolAttrs>();
  const Tensor &dy = call.in[0], &index = call.in[1], &dx = call.out[0];
  dx.fill(0);
  for (std::int64_t at = 0; at < dy.elements(); ++at) {
    const std::int64_t c = at % dy.back(), pixel = at / dy.back();
    const std::int64_t ow = pixel % dy.shape[2], oh = pixel / dy.shape[2] % dy.shape[1];
    const auto k = static_cast<std::int64_t>(index[at]);
    const std::int64_t h = oh * attrs.stride + k / attrs.kernel - attrs.padding;
    const std::int64_t w = ow * attrs.stride + k % attrs.kernel - attrs.padding;
    dx.at(pixel / dy.shape[2] / dy.shape[1], h, w, c) += dy[at];
  }
}

void global_avg_pool(const Call& call) {
  const Tensor &x = call.in[0], &y = call.out[0];
  const std::int64_t pixels = x.shape[1] * x.shape[2], channels = x.back();
  y.fill(0);
  for (std::int64_t at = 0; at < x.elements(); ++at)
    y[at / channels / pixels * channels + at % channels] += x[at] / static_cast<double>(pixels);
}

void global_avg_pool_grad(const Call& call) {
  const Tensor &dy = call.in[0], &dx = call.out[0];
  const std::int64_t pixels = dx.shape[1] * dx.shape[2], channels = dx.back();
  for (std::int64_t at = 0; at < dx.elements(); ++at)
    dx[at] = dy[at / channels / pixels * channels + at % channels] / static_cast<double>(pixels);
}

}  // namespace gyrus::backend::reference
