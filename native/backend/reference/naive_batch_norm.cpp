// batch_norm in training and inference form with the fused residual and relu, and its gradient.
//
// Derivation of dx, per channel, with xhat = (x - mean) inv_std, M rows, g the gradient that reaches gamma xhat + beta:
// mean and inv_std depend on every row, and sum xhat = 0, sum xhat^2 = M (up to eps), so projecting the direct term
// gamma inv_std g onto what normalisation leaves free removes its mean and its component along xhat:
//   dx = gamma inv_std (g - sum(g)/M - xhat sum(g xhat)/M).
// With eps: d inv_std / d x = -inv_std^3 (x - mean)/M, which gives the same formula exactly.
#include <cmath>
#include <cstddef>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {
namespace {

// Takes a node's inputs one after the other; those that the attrs leave out are null.
struct InputReader {
  const Call& call;
  std::size_t next = 0;
  const Tensor* take(bool is_there = true) { return is_there ? &call.in[next++] : nullptr; }
};

double relu_of(double x) { return x <= 0 ? 0 : x; }  // NaN stays NaN

// y = f(scale (x - mean) + shift + residual) of one channel.
struct Affine {
  double mean, scale, shift;
};

void apply_channel(const Call& call, const Tensor& x, const Tensor* residual, std::int64_t channel,
                   const Affine& affine) {
  const bool has_relu = call.attrs_as<graph::BatchNormAttrs>().has_relu;
  for (std::int64_t row = 0; row < x.rows(); ++row) {
    const std::int64_t at = row * x.back() + channel;
    double y = affine.scale * (x[at] - affine.mean) + affine.shift;
    if (residual) y += (*residual)[at];
    call.out[0][at] = has_relu ? relu_of(y) : y;
  }
}

}  // namespace

void batch_norm(const Call& call) {
  const auto& attrs = call.attrs_as<graph::BatchNormAttrs>();
  InputReader inputs{call};
  const Tensor& x = *inputs.take();
  const Tensor *gamma = inputs.take(attrs.has_affine), *beta = inputs.take(attrs.has_affine);
  const Tensor *running_mean = inputs.take(attrs.has_running), *running_var = inputs.take(attrs.has_running);
  const Tensor* residual = inputs.take(attrs.has_residual);
  const std::int64_t rows = x.rows(), channels = x.back();
  const double count = static_cast<double>(rows), momentum = attrs.momentum;
  for (std::int64_t c = 0; c < channels; ++c) {
    double mean = 0, var = 0;
    for (std::int64_t row = 0; row < rows; ++row) mean += x[row * channels + c] / count;
    for (std::int64_t row = 0; row < rows; ++row) var += std::pow(x[row * channels + c] - mean, 2) / count;
    const double inv_std = 1 / std::sqrt(var + attrs.eps);
    apply_channel(call, x, residual, c, {mean, inv_std * (gamma ? (*gamma)[c] : 1), beta ? (*beta)[c] : 0});
    call.out[1][c] = mean;
    call.out[2][c] = inv_std;
    if (attrs.has_running) {
      (*running_mean)[c] += momentum * (mean - (*running_mean)[c]);
      (*running_var)[c] += momentum * (var * count / (count - 1) - (*running_var)[c]);
    }
  }
}

void batch_norm_inference(const Call& call) {
  const auto& attrs = call.attrs_as<graph::BatchNormAttrs>();
  InputReader inputs{call};
  const Tensor& x = *inputs.take();
  const Tensor *gamma = inputs.take(attrs.has_affine), *beta = inputs.take(attrs.has_affine);
  const Tensor &running_mean = *inputs.take(), &running_var = *inputs.take();
  const Tensor* residual = inputs.take(attrs.has_residual);
  for (std::int64_t c = 0; c < x.back(); ++c) {
    const double inv_std = 1 / std::sqrt(running_var[c] + attrs.eps);
    apply_channel(call, x, residual, c, {running_mean[c], inv_std * (gamma ? (*gamma)[c] : 1), beta ? (*beta)[c] : 0});
  }
}

void batch_norm_grad(const Call& call) {
  const auto& attrs = call.attrs_as<graph::BatchNormAttrs>();
  InputReader inputs{call};
  const Tensor& dy = *inputs.take();
  const Tensor* addend = inputs.take(attrs.has_addend);
  const Tensor& x = *inputs.take();
  const Tensor* gamma = inputs.take(attrs.has_affine);
  const Tensor &mean = *inputs.take(), &inv_std = *inputs.take();
  const Tensor* y = inputs.take(attrs.has_relu);
  const std::int64_t rows = x.rows(), channels = x.back();
  const double count = static_cast<double>(rows);
  const auto masked = [&](std::int64_t at) {
    if (y && !((*y)[at] > 0)) return 0.0;
    return dy[at] + (addend ? (*addend)[at] : 0);
  };
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto normalised = [&](std::int64_t at) { return (x[at] - mean[c]) * inv_std[c]; };
    double sum = 0, projection = 0;
    for (std::int64_t at = c; at < x.elements(); at += channels) {
      sum += masked(at);
      projection += masked(at) * normalised(at);
    }
    const double scale = inv_std[c] * (gamma ? (*gamma)[c] : 1);
    for (std::int64_t at = c; at < x.elements(); at += channels)
      call.out[0][at] = scale * (masked(at) - sum / count - normalised(at) * projection / count);
    if (attrs.has_affine) {
      call.out[1][c] = projection;
      call.out[2][c] = sum;
    }
  }
  if (!attrs.has_residual) return;
  const Tensor& d_residual = call.out[attrs.has_affine ? 3 : 1];
  for (std::int64_t at = 0; at < x.elements(); ++at) d_residual[at] = masked(at);
}

}  // namespace gyrus::backend::reference
