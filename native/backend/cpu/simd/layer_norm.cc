// Layer normalisation over [rows, D]. A row is read from memory once (and its residual) and kept as f32 in cache for
// the mean, the deviation and the result; y, and the sum where there is a residual, are written once: 2 to 4 A bytes
// (12 where the residual stream is f32 and A bf16) and 7 operations an element. Two passes over the cached row give the
// variance without cancellation.
#include "backend/cpu/simd/layer_norm.h"

#include <cmath>
#include <cstdint>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/layer_norm.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/norm_terms.h"

#ifndef GYRUS_SIMD_LAYER_NORM_JOB
#define GYRUS_SIMD_LAYER_NORM_JOB
namespace gyrus::backend::cpu {

struct LayerNormJob {
  static constexpr int kGroup = 4;  // rows at a time
  std::int64_t rows = 0, width = 0;
  DType x_type = DType::f32, residual_type = DType::f32, y_type = DType::f32;  // A or f32 each, the residual no
                                                                               // narrower than x
  float eps = 0;
  const void *x = nullptr, *residual = nullptr;   // [rows, D]; residual may be null
  const float *gamma = nullptr, *beta = nullptr;  // [D]
  void *y = nullptr, *sum = nullptr;              // [rows, D]; sum goes with the residual and has its type
  float *mean = nullptr, *inv_std = nullptr;      // [rows]
  float* cached = nullptr;                        // scratch [threads, kGroup, D padded to a cache line]
  std::int64_t cached_stride = 0;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace formula = math::HWY_NAMESPACE;

// Rows [row, row + kRows) at a time: their sums are independent, which hides the latency of the additions.
template <class X, class Residual, class Y, int kRows>
HWY_INLINE void layer_norm_rows(const LayerNormJob& job, std::int64_t row, float* cached) {
  const Range columns{0, job.width};
  const std::int64_t width = job.width, stride = job.cached_stride, first = row * width;
  const X* x = static_cast<const X*>(job.x) + first;
  Y* y = static_cast<Y*>(job.y) + first;
  const Residual* residual = job.residual != nullptr ? static_cast<const Residual*>(job.residual) + first : nullptr;
  Residual* sum = job.residual != nullptr ? static_cast<Residual*>(job.sum) + first : nullptr;
  const float *gamma = job.gamma, *beta = job.beta;
  Vec total[kRows], squares[kRows], mean[kRows], inv_std[kRows];
  for (int k = 0; k < kRows; ++k) total[k] = squares[k] = zero();
  for_vectors(columns, [&](auto access, std::int64_t c) HWY_ATTR {
    for (int k = 0; k < kRows; ++k) {
      Vec v = access.read(x + k * width + c);
      // Rounded as the gradient will read it.
      if (sum != nullptr)
        v = access.write_rounded(sum + k * width + c, hn::Add(v, access.read(residual + k * width + c)));
      store(cached + k * stride + c, v);
      total[k] = hn::Add(total[k], v);
    }
  });
  const float per_column = 1.0F / static_cast<float>(width);
  for (int k = 0; k < kRows; ++k) {
    job.mean[row + k] = sum_of(total[k]) * per_column;
    mean[k] = set(job.mean[row + k]);
  }
  for_vectors(columns, [&](auto access, std::int64_t c) HWY_ATTR {
    for (int k = 0; k < kRows; ++k) {
      const Vec d = access.keep(hn::Sub(load(cached + k * stride + c), mean[k]));
      squares[k] = hn::MulAdd(d, d, squares[k]);
    }
  });
  for (int k = 0; k < kRows; ++k) {
    job.inv_std[row + k] = 1.0F / std::sqrt(sum_of(squares[k]) * per_column + job.eps);
    inv_std[k] = set(job.inv_std[row + k]);
  }
  for_vectors(columns, [&](auto access, std::int64_t c) HWY_ATTR {
    const Vec scale = access.read(gamma + c), offset = access.read(beta + c);
    for (int k = 0; k < kRows; ++k) {
      const Vec xhat = formula::standardised<HwyPack>(load(cached + k * stride + c), mean[k], inv_std[k]);
      access.write(y + k * width + c, hn::MulAdd(scale, xhat, offset));
    }
  });
}

template <class X, class Residual, class Y>
void layer_norm_as(const LayerNormJob& job, const Team& team) {
  float* cached = job.cached + team.index * LayerNormJob::kGroup * job.cached_stride;
  const Range rows = team.share(job.rows, 16);
  std::int64_t row = rows.begin;
  for (; row + LayerNormJob::kGroup <= rows.end; row += LayerNormJob::kGroup) {
    layer_norm_rows<X, Residual, Y, LayerNormJob::kGroup>(job, row, cached);
  }
  for (; row < rows.end; ++row) layer_norm_rows<X, Residual, Y, 1>(job, row, cached);
}

void layer_norm(const LayerNormJob& job, const Team& team) {
  if (job.y_type == DType::f32) {
    return job.x_type == DType::f32 ? layer_norm_as<float, float, float>(job, team)
                                    : layer_norm_as<bf16_t, float, float>(job, team);
  }
  if (job.x_type == DType::f32) return layer_norm_as<float, float, bf16_t>(job, team);
  if (job.residual_type == DType::f32) return layer_norm_as<bf16_t, float, bf16_t>(job, team);
  layer_norm_as<bf16_t, bf16_t, bf16_t>(job, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(layer_norm);

class LayerNorm final : public Kernel {
 public:
  explicit LayerNorm(const NodeContext& node) : has_residual_(node.attrs<graph::LayerNormAttrs>().has_residual) {
    const graph::ValueType& x = node.in_type(0);
    job_.rows = x.shape.rows();
    job_.width = x.shape.back();
    job_.x_type = job_.residual_type = x.dtype;
    if (has_residual_) job_.residual_type = node.in_type(3).dtype;
    job_.y_type = node.out_type(0).dtype;
    job_.eps = node.attrs<graph::LayerNormAttrs>().eps;
    job_.cached_stride = (job_.width + 15) / 16 * 16;
    threads_ = useful_threads(node.threads, x.shape.elements() * size_of(x.dtype));
  }

  std::int64_t scratch_bytes() const override { return job_.cached_stride * LayerNormJob::kGroup * threads_ * 4; }

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.gamma = static_cast<const float*>(args.in[1]);
    job_.beta = static_cast<const float*>(args.in[2]);
    job_.y = args.out[0];
    job_.mean = static_cast<float*>(args.out[1]);
    job_.inv_std = static_cast<float*>(args.out[2]);
    if (has_residual_) {
      job_.residual = args.in[3];
      job_.sum = args.out[3];
    }
    job_.cached = static_cast<float*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(layer_norm)(job_, team); });
  }

 private:
  bool has_residual_;
  LayerNormJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_layer_norm(const NodeContext& node) { return std::make_unique<LayerNorm>(node); }

}  // namespace gyrus::backend::cpu
#endif
