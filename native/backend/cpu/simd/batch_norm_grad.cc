// Gradient of batch normalisation. Two passes over [rows, C], g = (dy + addend) masked by y > 0:
//   sums   read dy, x (and addend, y), write g where it is wanted as d_residual: 2 to 5 A bytes, 4 to 6 operations
//   apply  read g (or dy, addend, y again) and x, write dx: 3 to 5 A bytes, 4 to 6 operations
//   dbeta = sum g;  dgamma = inv_std sum g (x - mean);  dx = gamma inv_std (g - dbeta/M - xhat dgamma/M)
#include "backend/cpu/simd/batch_norm_grad.h"

#include <algorithm>
#include <cstddef>

#include "backend/cpu/simd/column_sums.h"
#include "backend/cpu/simd/row_fold.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/batch_norm_grad.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_BATCH_NORM_GRAD_JOB
#define GYRUS_SIMD_BATCH_NORM_GRAD_JOB
namespace gyrus::backend::cpu {

struct BatchNormGradJob {
  RowFold fold;
  TileGrid grid;
  std::int64_t rows = 0;
  DType dtype = DType::f32;
  bool is_streamed = false;                                                 // dx past the caches
  const void *dy = nullptr, *addend = nullptr, *x = nullptr, *y = nullptr;  // [rows, C] A; addend and y may be null
  const float *gamma = nullptr, *mean = nullptr, *inv_std = nullptr;        // [C]; gamma may be null
  void *dx = nullptr, *d_residual = nullptr;                                // [rows, C] A; d_residual may be null
  float *dgamma = nullptr, *dbeta = nullptr;                                // [C]; may be null
  std::byte *sums = nullptr, *tables = nullptr;                             // scratch
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// g at one place, from the gradient's summands and the forward output.
template <class T, bool kHasAddend, bool kHasRelu>
struct MaskedGradient {
  const T *dy, *addend, *y;
  template <class Access>
  HWY_INLINE Vec read(const Access& access, std::int64_t at) const {
    Vec g = access.read(dy + at);
    if constexpr (kHasAddend) g = hn::Add(g, access.read(addend + at));
    if constexpr (kHasRelu) g = hn::IfThenElseZero(hn::Gt(access.read(y + at), zero()), g);
    return g;
  }
};

template <class T, bool kHasAddend, bool kHasRelu>
void sum_gradients(const BatchNormGradJob& job, const Tile& tile, const ColumnSums& sums) {
  const MaskedGradient<T, kHasAddend, kHasRelu> gradient{
      static_cast<const T*>(job.dy), static_cast<const T*>(job.addend), static_cast<const T*>(job.y)};
  const T* x = static_cast<const T*>(job.x);
  T* d_residual = static_cast<T*>(job.d_residual);
  const std::int64_t width = job.fold.width;
  sum_tile<4>(tile, job.fold.rows, sums, [=](auto count, std::int64_t row, Range columns) HWY_ATTR {
    for_vectors(columns, [=](auto access, std::int64_t v) HWY_ATTR {
      const Vec mean = load(sums.shift + v);
      Vec first = zero(), second = zero();
      for (std::int64_t k = 0; k < count.value; ++k) {
        const std::int64_t at = (row + k) * width + v;
        const Vec g = gradient.read(access, at);
        if (d_residual != nullptr) access.write(d_residual + at, g);
        first = hn::Add(first, g);
        second = hn::MulAdd(g, access.keep(hn::Sub(access.read(x + at), mean)), second);
      }
      store(sums.first + v, hn::Add(load(sums.first + v), first));
      store(sums.second + v, hn::Add(load(sums.second + v), second));
    });
  });
}

// Adds the parts of channels `channels`; writes dgamma, dbeta and the tables of dx = a g + b (x - mean) + c.
void finish_gradients(const BatchNormGradJob& job, Range channels, int parts) {
  const RowFold& fold = job.fold;
  const ColumnTables tables = ColumnTables::carve(job.tables, fold.width);
  const double inv_rows = 1.0 / static_cast<double>(job.rows);
  for_channels(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    auto first = hn::Zero(d), second = hn::Zero(d);
    for (int part = 0; part < parts; ++part) {
      const ColumnSums sums = ColumnSums::carve(job.sums, fold.width, part);
      for (std::int64_t j = 0; j < fold.repeat; ++j) {
        first = hn::Add(first, hn::LoadU(d, sums.first_total + j * fold.channels + c));
        second = hn::Add(second, hn::LoadU(d, sums.second_total + j * fold.channels + c));
      }
    }
    const auto inv_std = load_f64(d, job.inv_std + c);
    const auto dgamma = hn::Mul(second, inv_std);
    if (job.dgamma != nullptr) {
      store_f32(d, dgamma, job.dgamma + c);
      store_f32(d, first, job.dbeta + c);
    }
    const auto a = job.gamma != nullptr ? hn::Mul(inv_std, load_f64(d, job.gamma + c)) : inv_std;
    const auto minus = hn::Mul(a, hn::Set(d, -inv_rows));
    const auto slope = hn::Mul(minus, hn::Mul(inv_std, dgamma));
    const auto offset = hn::Mul(minus, first);
    for (std::int64_t j = 0; j < fold.repeat; ++j) {
      const std::int64_t v = j * fold.channels + c;
      store_f32(d, a, tables.a + v);
      store_f32(d, slope, tables.b + v);
      store_f32(d, offset, tables.c + v);
    }
  });
}

template <bool kIsStreamed, class T, class Gradient>
void apply_gradients(const BatchNormGradJob& job, const Tile& tile, const ColumnSums& sums, const Gradient& gradient) {
  const ColumnTables tables = ColumnTables::carve(job.tables, job.fold.width);
  const T* x = static_cast<const T*>(job.x);
  T* dx = static_cast<T*>(job.dx);
  const std::int64_t width = job.fold.width;
  apply_tile<4>(tile, job.fold.rows, [=](auto count, std::int64_t row, Range columns) HWY_ATTR {
    for_vectors(columns, [=](auto access, std::int64_t v) HWY_ATTR {
      const Vec mean = load(sums.shift + v);
      const Vec a = load(tables.a + v), b = load(tables.b + v), c = load(tables.c + v);
      for (std::int64_t k = 0; k < count.value; ++k) {
        const std::int64_t at = (row + k) * width + v;
        const Vec centred = hn::Sub(access.read(x + at), mean);
        const Vec d = hn::MulAdd(a, gradient.read(access, at), hn::MulAdd(b, centred, c));
        if constexpr (kIsStreamed) {
          access.write_past_cache(dx + at, d);
        } else {
          access.write(dx + at, d);
        }
      }
    });
  });
  if constexpr (kIsStreamed) hwy::FlushStream();
}

template <class T, bool kHasAddend, bool kHasRelu>
void batch_norm_grad_fused(const BatchNormGradJob& job, const Team& team) {
  const RowFold& fold = job.fold;
  const Tile tile = job.grid.tile(team);
  const ColumnSums sums = ColumnSums::carve(job.sums, fold.width, job.grid.part_of(team));
  for (std::int64_t v = tile.columns.begin; v < tile.columns.end; ++v) sums.shift[v] = job.mean[v % fold.channels];
  sum_gradients<T, kHasAddend, kHasRelu>(job, tile, sums);
  team.barrier();
  finish_gradients(job, team.share(fold.channels, 16), job.grid.parts(team));
  team.barrier();
  if (job.d_residual != nullptr) {
    const MaskedGradient<T, false, false> kept{static_cast<const T*>(job.d_residual), nullptr, nullptr};
    job.is_streamed ? apply_gradients<true, T>(job, tile, sums, kept)
                    : apply_gradients<false, T>(job, tile, sums, kept);
  } else {
    const MaskedGradient<T, kHasAddend, kHasRelu> gradient{
        static_cast<const T*>(job.dy), static_cast<const T*>(job.addend), static_cast<const T*>(job.y)};
    job.is_streamed ? apply_gradients<true, T>(job, tile, sums, gradient)
                    : apply_gradients<false, T>(job, tile, sums, gradient);
  }
}

template <class T>
void batch_norm_grad_as(const BatchNormGradJob& job, const Team& team) {
  if (job.addend != nullptr) {
    job.y != nullptr ? batch_norm_grad_fused<T, true, true>(job, team)
                     : batch_norm_grad_fused<T, true, false>(job, team);
  } else {
    job.y != nullptr ? batch_norm_grad_fused<T, false, true>(job, team)
                     : batch_norm_grad_fused<T, false, false>(job, team);
  }
}

void batch_norm_grad(const BatchNormGradJob& job, const Team& team) {
  job.dtype == DType::bf16 ? batch_norm_grad_as<bf16_t>(job, team) : batch_norm_grad_as<float>(job, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(batch_norm_grad);

class BatchNormGrad final : public Kernel {
 public:
  explicit BatchNormGrad(const NodeContext& node) : attrs_(node.attrs<graph::BatchNormAttrs>()) {
    const graph::ValueType& dy = node.in_type(0);
    job_.dtype = dy.dtype;
    job_.rows = dy.shape.rows();
    is_large_ = dy.shape.elements() * size_of(dy.dtype) >= kStreamedBytes;
    threads_ = useful_threads(node.threads, dy.shape.elements() * size_of(dy.dtype));
    job_.fold = RowFold(job_.rows, dy.shape.back());
    job_.grid = TileGrid(job_.fold, threads_);
  }

  std::int64_t scratch_bytes() const override {
    return ColumnSums::bytes(job_.fold.width) * threads_ + ColumnTables::bytes(job_.fold.width);
  }

  void bind(const KernelArgs& args) override {
    std::size_t next = 0;
    job_.dy = args.in[next++];
    if (attrs_.has_addend) job_.addend = args.in[next++];
    job_.x = args.in[next++];
    if (attrs_.has_affine) job_.gamma = static_cast<const float*>(args.in[next++]);
    job_.mean = static_cast<const float*>(args.in[next++]);
    job_.inv_std = static_cast<const float*>(args.in[next++]);
    if (attrs_.has_relu) job_.y = args.in[next++];
    next = 0;
    job_.dx = args.out[next++];
    if (attrs_.has_affine) {
      job_.dgamma = static_cast<float*>(args.out[next++]);
      job_.dbeta = static_cast<float*>(args.out[next++]);
    }
    if (attrs_.has_residual) job_.d_residual = args.out[next++];
    const auto& operands = {job_.dy, job_.addend, job_.x, job_.y, static_cast<const void*>(job_.d_residual)};
    job_.is_streamed = is_large_ && std::ranges::find(operands, job_.dx) == operands.end();
    job_.sums = static_cast<std::byte*>(args.scratch);
    job_.tables = job_.sums + ColumnSums::bytes(job_.fold.width) * threads_;
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(batch_norm_grad)(job_, team); });
  }

 private:
  graph::BatchNormAttrs attrs_;
  BatchNormGradJob job_;
  bool is_large_ = false;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_batch_norm_grad(const NodeContext& node) { return std::make_unique<BatchNormGrad>(node); }

}  // namespace gyrus::backend::cpu
#endif
