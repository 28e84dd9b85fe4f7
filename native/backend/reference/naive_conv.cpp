// conv2d and its two gradients, straight from the definition: a window's element (kh, kw) of output pixel (oh, ow) is
// the input pixel (oh s + kh - p, ow s + kw - p), zero outside the image.
#include "backend/reference/naive.h"

namespace gyrus::backend::reference {
namespace {

// Calls visit(n, oh, ow, kh, kw, h, w) for every pair of an output pixel and an input pixel inside its window.
template <class Visit>
void for_each_tap(const Tensor& x, const Tensor& w, const Tensor& y, const graph::Conv2dAttrs& attrs, Visit visit) {
  for (std::int64_t n = 0; n < y.shape[0]; ++n)
    for (std::int64_t oh = 0; oh < y.shape[1]; ++oh)
      for (std::int64_t ow = 0; ow < y.shape[2]; ++ow)
        for (std::int64_t kh = 0; kh < w.shape[2]; ++kh)
          for (std::int64_t kw = 0; kw < w.shape[3]; ++kw) {
            const std::int64_t h = oh * attrs.stride + kh - attrs.padding;
            const std::int64_t column = ow * attrs.stride + kw - attrs.padding;
            if (h < 0 || h >= x.shape[1] || column < 0 || column >= x.shape[2]) continue;
            visit(n, oh, ow, kh, kw, h, column);
          }
}

}  // namespace

void conv2d(const Call& call) {
  const auto& attrs = call.attrs_as<graph::Conv2dAttrs>();
  const Tensor &x = call.in[0], &w = call.in[1], &y = call.out[0];
  const std::int64_t channels_in = x.back(), channels_out = y.back();
  for (std::int64_t i = 0; i < y.elements(); ++i) y[i] = call.in.size() > 2 ? call.in[2][i % channels_out] : 0;
  for_each_tap(x, w, y, attrs, [&](auto n, auto oh, auto ow, auto kh, auto kw, auto h, auto column) {
    const double* pixel = &x.at(n, h, column, 0);
    for (std::int64_t co = 0; co < channels_out; ++co) {
      double sum = 0;
      for (std::int64_t ci = 0; ci < channels_in; ++ci) sum += pixel[ci] * w.at(co, ci, kh, kw);
      y.at(n, oh, ow, co) += sum;
    }
  });
}

void conv2d_grad_input(const Call& call) {
  const auto& attrs = call.attrs_as<graph::Conv2dAttrs>();
  const Tensor &dy = call.in[0], &w = call.in[1], &dx = call.out[0];
  const std::int64_t channels_in = dx.back(), channels_out = dy.back();
  dx.fill(0);
  for_each_tap(dx, w, dy, attrs, [&](auto n, auto oh, auto ow, auto kh, auto kw, auto h, auto column) {
    double* pixel = &dx.at(n, h, column, 0);
    for (std::int64_t co = 0; co < channels_out; ++co) {
      const double upstream = dy.at(n, oh, ow, co);
      for (std::int64_t ci = 0; ci < channels_in; ++ci) pixel[ci] += upstream * w.at(co, ci, kh, kw);
    }
  });
}

void conv2d_grad_weight(const Call& call) {
  const auto& attrs = call.attrs_as<graph::Conv2dAttrs>();
  const Tensor &x = call.in[0], &dy = call.in[1], &dw = call.out[0];
  const std::int64_t channels_in = x.back(), channels_out = dy.back();
  dw.fill(0);
  for_each_tap(x, dw, dy, attrs, [&](auto n, auto oh, auto ow, auto kh, auto kw, auto h, auto column) {
    const double* pixel = &x.at(n, h, column, 0);
    for (std::int64_t co = 0; co < channels_out; ++co) {
      const double upstream = dy.at(n, oh, ow, co);
      for (std::int64_t ci = 0; ci < channels_in; ++ci) dw.at(co, ci, kh, kw) += upstream * pixel[ci];
    }
  });
}

}  // namespace gyrus::backend::reference
