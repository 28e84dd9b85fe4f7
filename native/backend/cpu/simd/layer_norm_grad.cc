// Gradient of layer normalisation over [rows, D]: reads dy and x (and the addend), writes dx: 3 to 4 A bytes (16 where
// x is an f32 stream and A bf16, of which dx rounded takes 2) and about 12 operations an element. Rows go in groups of
// four, twice over each group
// (the second time from cache). Every thread adds dgamma and dbeta of its rows, f32 within blocks and f64 across them;
// then the threads share the columns.
#include "backend/cpu/simd/layer_norm_grad.h"

#include <cstddef>
#include <cstdint>

#include "backend/cpu/simd/column_sums.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/layer_norm_grad.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/norm_terms.h"

#ifndef GYRUS_SIMD_LAYER_NORM_GRAD_JOB
#define GYRUS_SIMD_LAYER_NORM_GRAD_JOB
namespace gyrus::backend::cpu {

struct LayerNormGradJob {
  std::int64_t rows = 0, width = 0, padded = 0;     // padded: width up to a cache line
  DType dtype = DType::f32, x_type = DType::f32;    // A, and A or f32
  const void* dy = nullptr;                         // [rows, D] A
  const void *x = nullptr, *addend = nullptr;       // [rows, D] x_type; addend may be null
  const float* gamma = nullptr;                     // [D]
  const float *mean = nullptr, *inv_std = nullptr;  // [rows]
  void *dx = nullptr, *rounded = nullptr;           // [rows, D] x_type, and A or null
  float *dgamma = nullptr, *dbeta = nullptr;        // [D]
  std::byte* sums = nullptr;                        // scratch
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

namespace formula = math::HWY_NAMESPACE;

// Rows [row, row + kRows).
template <class T, class X, int kRows>
HWY_INLINE void layer_norm_grad_rows(const LayerNormGradJob& job, std::int64_t row, const ColumnSums& sums) {
  const Range columns{0, job.width};
  const std::int64_t width = job.width, first = row * width;
  const T* dy = static_cast<const T*>(job.dy) + first;
  const X* x = static_cast<const X*>(job.x) + first;
  const X* addend = job.addend != nullptr ? static_cast<const X*>(job.addend) + first : nullptr;
  X* dx = static_cast<X*>(job.dx) + first;
  T* rounded = job.rounded != nullptr ? static_cast<T*>(job.rounded) + first : nullptr;
  const float* gamma = job.gamma;
  Vec mean[kRows], inv_std[kRows], sum_h[kRows], sum_h_xhat[kRows];
  for (int k = 0; k < kRows; ++k) {
    mean[k] = set(job.mean[row + k]);
    inv_std[k] = set(job.inv_std[row + k]);
    sum_h[k] = sum_h_xhat[k] = zero();
  }
  for_vectors(columns, [&](auto access, std::int64_t c) HWY_ATTR {
    const Vec scale = access.read(gamma + c);
    Vec dbeta = load(sums.first + c), dgamma = load(sums.second + c);
    for (int k = 0; k < kRows; ++k) {
      const Vec g = access.read(dy + k * width + c), h = hn::Mul(g, scale);
      const Vec xhat = formula::standardised<HwyPack>(access.read(x + k * width + c), mean[k], inv_std[k]);
      // Beyond the end g and h are zero.
      sum_h[k] = hn::Add(sum_h[k], h);
      sum_h_xhat[k] = hn::MulAdd(h, xhat, sum_h_xhat[k]);
      dbeta = hn::Add(dbeta, g);
      dgamma = hn::MulAdd(g, xhat, dgamma);
    }
    store(sums.first + c, dbeta);
    store(sums.second + c, dgamma);
  });
  const Vec per_column = set(1.0F / static_cast<float>(width));
  for (int k = 0; k < kRows; ++k) {
    sum_h[k] = hn::Mul(hn::SumOfLanes(F32(), sum_h[k]), per_column);
    sum_h_xhat[k] = hn::Mul(hn::SumOfLanes(F32(), sum_h_xhat[k]), per_column);
  }
  for_vectors(columns, [&](auto access, std::int64_t c) HWY_ATTR {
    const Vec scale = access.read(gamma + c);
    for (int k = 0; k < kRows; ++k) {
      const std::int64_t at = k * width + c;
      const Vec h = hn::Mul(access.read(dy + at), scale);
      const Vec xhat = formula::standardised<HwyPack>(access.read(x + at), mean[k], inv_std[k]);
      Vec d = formula::layer_norm_gradient<HwyPack>(h, xhat, sum_h[k], sum_h_xhat[k], inv_std[k]);
      if (addend != nullptr) d = hn::Add(d, access.read(addend + at));
      access.write(dx + at, d);
      if (rounded != nullptr) access.write(rounded + at, d);
    }
  });
}

template <class T, class X>
void layer_norm_grad_as(const LayerNormGradJob& job, const Team& team) {
  constexpr std::int64_t kGroup = 4;
  const Range padded{0, job.padded};
  const ColumnSums sums = ColumnSums::carve(job.sums, job.padded, team.index);
  clear_sums(sums, padded);
  const Range rows = team.share(job.rows, 16);
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += kSumRows) {
    const std::int64_t end = std::min(begin + kSumRows, rows.end);
    std::int64_t row = begin;
    for (; row + kGroup <= end; row += kGroup) layer_norm_grad_rows<T, X, kGroup>(job, row, sums);
    for (; row < end; ++row) layer_norm_grad_rows<T, X, 1>(job, row, sums);
    move_to_totals(sums, padded);
  }
  team.barrier();
  for_channels(team.share(job.width, 16), [&](auto d, std::int64_t c) HWY_ATTR {
    auto dbeta = hn::Zero(d), dgamma = hn::Zero(d);
    for (int part = 0; part < team.count; ++part) {
      const ColumnSums other = ColumnSums::carve(job.sums, job.padded, part);
      dbeta = hn::Add(dbeta, hn::LoadU(d, other.first_total + c));
      dgamma = hn::Add(dgamma, hn::LoadU(d, other.second_total + c));
    }
    store_f32(d, dbeta, job.dbeta + c);
    store_f32(d, dgamma, job.dgamma + c);
  });
}

void layer_norm_grad(const LayerNormGradJob& job, const Team& team) {
  if (job.dtype == DType::f32) return layer_norm_grad_as<float, float>(job, team);
  job.x_type == DType::bf16 ? layer_norm_grad_as<bf16_t, bf16_t>(job, team)
                            : layer_norm_grad_as<bf16_t, float>(job, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(layer_norm_grad);

class LayerNormGrad final : public Kernel {
 public:
  explicit LayerNormGrad(const NodeContext& node) : attrs_(node.attrs<graph::LayerNormAttrs>()) {
    const graph::ValueType& dy = node.in_type(0);
    job_.rows = dy.shape.rows();
    job_.width = dy.shape.back();
    job_.padded = (job_.width + 15) / 16 * 16;
    job_.dtype = dy.dtype;
    job_.x_type = node.in_type(1).dtype;
    threads_ = useful_threads(node.threads, dy.shape.elements() * size_of(dy.dtype));
  }

  std::int64_t scratch_bytes() const override { return ColumnSums::bytes(job_.padded) * threads_; }

  void bind(const KernelArgs& args) override {
    job_.dy = args.in[0];
    job_.x = args.in[1];
    job_.gamma = static_cast<const float*>(args.in[2]);
    job_.mean = static_cast<const float*>(args.in[3]);
    job_.inv_std = static_cast<const float*>(args.in[4]);
    if (attrs_.has_addend) job_.addend = args.in[5];
    if (attrs_.has_rounded) job_.rounded = args.out[3];
    job_.dx = args.out[0];
    job_.dgamma = static_cast<float*>(args.out[1]);
    job_.dbeta = static_cast<float*>(args.out[2]);
    job_.sums = static_cast<std::byte*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(layer_norm_grad)(job_, team); });
  }

 private:
  graph::LayerNormAttrs attrs_;
  LayerNormGradJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_layer_norm_grad(const NodeContext& node) { return std::make_unique<LayerNormGrad>(node); }

}  // namespace gyrus::backend::cpu
#endif
