// Batch normalisation, training. Two passes over [rows, C]:
//   sums   read x once (A bytes); 3 operations an element; f32 within blocks of rows, f64 across them
//   apply  read x (and residual), write y (2 to 3 A bytes); 3 to 5 operations an element
// Sums are of x - shift, where shift is the mean of a few rows spread over the thread's part: the variance then has the
// accuracy of two passes. Parts are joined by (n, mean, M2) in f64 (Chan, Golub, LeVeque 1979).
#include "backend/cpu/simd/batch_norm.h"

#include <cstddef>

#include "backend/cpu/simd/column_sums.h"
#include "backend/cpu/simd/row_fold.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/batch_norm.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/batch_norm_apply-inl.h"

#ifndef GYRUS_SIMD_BATCH_NORM_JOB
#define GYRUS_SIMD_BATCH_NORM_JOB
namespace gyrus::backend::cpu {

struct BatchNormJob {
  RowFold fold;
  TileGrid grid;
  std::int64_t rows = 0;
  graph::BatchNormAttrs attrs;
  DType dtype = DType::f32;
  bool is_streamed = false;                               // y past the caches
  const void *x = nullptr, *residual = nullptr;           // [rows, C] A
  const float *gamma = nullptr, *beta = nullptr;          // [C]
  float *running_mean = nullptr, *running_var = nullptr;  // [C]
  void* y = nullptr;                                      // [rows, C] A
  float *mean = nullptr, *inv_std = nullptr;              // [C]
  std::byte *sums = nullptr, *tables = nullptr;           // scratch
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// The mean of up to eight rows spread evenly over the tile; the partial row where there is no whole one.
template <class T>
void choose_shift(const BatchNormJob& job, const Tile& tile, const ColumnSums& sums) {
  const T* x = static_cast<const T*>(job.x);
  const std::int64_t width = job.fold.width, rows = tile.rows.size();
  if (rows == 0) {
    std::fill(sums.shift + tile.columns.begin, sums.shift + tile.columns.end, 0.0F);
    for_vectors(tile.partial, [=](auto access, std::int64_t v)
                                  HWY_ATTR { store(sums.shift + v, access.read(x + job.fold.rows * width + v)); });
    return;
  }
  const std::int64_t samples = std::min<std::int64_t>(rows, 8);
  const Vec scale = set(1.0F / static_cast<float>(samples));
  for_vectors(tile.columns, [=](auto, std::int64_t v) HWY_ATTR {
    Vec sum = zero();
    for (std::int64_t k = 0; k < samples; ++k) {
      sum = hn::Add(sum, load(x + (tile.rows.begin + rows * k / samples) * width + v));
    }
    store(sums.shift + v, hn::Mul(sum, scale));
  });
}

template <class T>
void sum_shifted(const BatchNormJob& job, const Tile& tile, const ColumnSums& sums) {
  const T* x = static_cast<const T*>(job.x);
  const std::int64_t width = job.fold.width;
  sum_tile<8>(tile, job.fold.rows, sums, [=](auto count, std::int64_t row, Range columns) HWY_ATTR {
    const T* first_row = x + row * width;
    for_vectors(columns, [=](auto access, std::int64_t v) HWY_ATTR {
      const Vec shift = load(sums.shift + v);
      Vec first = zero(), second = zero();
      for (std::int64_t k = 0; k < count.value; ++k) {
        const Vec d = access.keep(hn::Sub(access.read(first_row + k * width + v), shift));
        first = hn::Add(first, d);
        second = hn::MulAdd(d, d, second);
      }
      store(sums.first + v, hn::Add(load(sums.first + v), first));
      store(sums.second + v, hn::Add(load(sums.second + v), second));
    });
  });
}

// Joins the parts of channels `channels`, writes the statistics and the tables of the second pass.
void finish_statistics(const BatchNormJob& job, Range channels, int parts) {
  const RowFold& fold = job.fold;
  const ColumnTables tables = ColumnTables::carve(job.tables, fold.width);
  const ColumnSums part0 = ColumnSums::carve(job.sums, fold.width, 0);
  const double rows = static_cast<double>(job.rows);
  const double momentum = job.attrs.momentum, unbias = rows / (rows - 1);
  for_channels(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    const auto reference = load_f64(d, part0.shift + c);
    auto first = hn::Zero(d), second = hn::Zero(d);
    for (int part = 0; part < parts; ++part) {
      const ColumnSums sums = ColumnSums::carve(job.sums, fold.width, part);
      for (std::int64_t j = 0; j < fold.repeat; ++j) {
        const std::int64_t v = j * fold.channels + c;
        const std::int64_t count = job.grid.rows_of(part, parts) + (part + 1 == parts ? fold.partial_count(j) : 0);
        if (count == 0) continue;
        const auto n = hn::Set(d, static_cast<double>(count));
        const auto moved = hn::Sub(load_f64(d, sums.shift + v), reference);
        const auto sum = hn::LoadU(d, sums.first_total + v);
        first = hn::Add(first, hn::MulAdd(n, moved, sum));
        const auto cross = hn::Mul(moved, hn::MulAdd(n, moved, hn::Add(sum, sum)));
        second = hn::Add(second, hn::Add(hn::LoadU(d, sums.second_total + v), cross));
      }
    }
    const auto inv_rows = hn::Set(d, 1.0 / rows);
    const auto offset = hn::Mul(first, inv_rows);
    const auto mean = hn::Add(reference, offset);
    const auto var = hn::Max(hn::Zero(d), hn::Sub(hn::Mul(second, inv_rows), hn::Mul(offset, offset)));
    const auto one = hn::Set(d, 1.0);
    const auto inv_std = hn::Div(one, hn::Sqrt(hn::Add(var, hn::Set(d, static_cast<double>(job.attrs.eps)))));
    store_f32(d, mean, job.mean + c);
    store_f32(d, inv_std, job.inv_std + c);
    if (job.running_mean != nullptr) {
      const auto rate = hn::Set(d, momentum), keep = hn::Set(d, 1.0 - momentum);
      const auto blend = [&](float* running, hn::Vec<decltype(d)> now) HWY_ATTR {
        store_f32(d, hn::MulAdd(keep, load_f64(d, running), hn::Mul(rate, now)), running);
      };
      blend(job.running_mean + c, mean);
      blend(job.running_var + c, hn::Mul(var, hn::Set(d, unbias)));
    }
    const auto scale = job.gamma != nullptr ? hn::Mul(inv_std, load_f64(d, job.gamma + c)) : inv_std;
    const auto beta = job.beta != nullptr ? load_f64(d, job.beta + c) : hn::Zero(d);
    for (std::int64_t j = 0; j < fold.repeat; ++j) {
      const std::int64_t v = j * fold.channels + c;
      store_f32(d, mean, tables.a + v);
      store_f32(d, scale, tables.b + v);
      store_f32(d, beta, tables.c + v);
    }
  });
}

template <class T>
void batch_norm_as(const BatchNormJob& job, const Team& team) {
  const Tile tile = job.grid.tile(team);
  const ColumnSums sums = ColumnSums::carve(job.sums, job.fold.width, job.grid.part_of(team));
  choose_shift<T>(job, tile, sums);
  sum_shifted<T>(job, tile, sums);
  team.barrier();
  finish_statistics(job, team.share(job.fold.channels, 16), job.grid.parts(team));
  team.barrier();
  const BatchNormApply apply{.x = job.x,
                             .residual = job.residual,
                             .y = job.y,
                             .tables = ColumnTables::carve(job.tables, job.fold.width),
                             .width = job.fold.width,
                             .partial_row = job.fold.rows,
                             .has_relu = job.attrs.has_relu,
                             .is_streamed = job.is_streamed};
  batch_norm_apply<T>(apply, tile);
}

void batch_norm(const BatchNormJob& job, const Team& team) {
  job.dtype == DType::bf16 ? batch_norm_as<bf16_t>(job, team) : batch_norm_as<float>(job, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(batch_norm);

class BatchNorm final : public Kernel {
 public:
  explicit BatchNorm(const NodeContext& node) {
    const graph::ValueType& x = node.in_type(0);
    job_.attrs = node.attrs<graph::BatchNormAttrs>();
    job_.dtype = x.dtype;
    job_.rows = x.shape.rows();
    threads_ = useful_threads(node.threads, x.shape.elements() * size_of(x.dtype));
    is_large_ = x.shape.elements() * size_of(x.dtype) >= kStreamedBytes;
    job_.fold = RowFold(job_.rows, x.shape.back());
    job_.grid = TileGrid(job_.fold, threads_);
  }

  std::int64_t scratch_bytes() const override {
    return ColumnSums::bytes(job_.fold.width) * threads_ + ColumnTables::bytes(job_.fold.width);
  }

  void bind(const KernelArgs& args) override {
    std::size_t next = 0;
    job_.x = args.in[next++];
    if (job_.attrs.has_affine) {
      job_.gamma = static_cast<const float*>(args.in[next++]);
      job_.beta = static_cast<const float*>(args.in[next++]);
    }
    if (job_.attrs.has_running) {
      job_.running_mean = static_cast<float*>(args.in[next++]);
      job_.running_var = static_cast<float*>(args.in[next++]);
    }
    if (job_.attrs.has_residual) job_.residual = args.in[next++];
    job_.y = args.out[0];
    job_.is_streamed = is_large_ && job_.y != job_.x && job_.y != job_.residual;
    job_.mean = static_cast<float*>(args.out[1]);
    job_.inv_std = static_cast<float*>(args.out[2]);
    job_.sums = static_cast<std::byte*>(args.scratch);
    job_.tables = job_.sums + ColumnSums::bytes(job_.fold.width) * threads_;
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(batch_norm)(job_, team); });
  }

 private:
  BatchNormJob job_;
  bool is_large_ = false;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_batch_norm(const NodeContext& node) { return std::make_unique<BatchNorm>(node); }

}  // namespace gyrus::backend::cpu
#endif
