// Batch normalisation with running statistics: one pass over [rows, C], reads x (and residual), writes y (2 to 3 A
// bytes an element), 3 to 5 operations an element. The coefficients are made anew at each run: C divisions.
#include "backend/cpu/simd/batch_norm_inference.h"

#include <cmath>
#include <cstddef>

#include "backend/cpu/simd/column_sums.h"
#include "backend/cpu/simd/row_fold.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/batch_norm_inference.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/batch_norm_apply-inl.h"

#ifndef GYRUS_SIMD_BATCH_NORM_INFERENCE_JOB
#define GYRUS_SIMD_BATCH_NORM_INFERENCE_JOB
namespace gyrus::backend::cpu {

struct BatchNormInferenceJob {
  RowFold fold;
  TileGrid grid;
  graph::BatchNormAttrs attrs;
  DType dtype = DType::f32;
  const void *x = nullptr, *residual = nullptr;                 // [rows, C] A
  const float *gamma = nullptr, *beta = nullptr;                // [C]
  const float *running_mean = nullptr, *running_var = nullptr;  // [C]
  void* y = nullptr;                                            // [rows, C] A
  std::byte* tables = nullptr;                                  // scratch
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

void make_tables(const BatchNormInferenceJob& job, Range channels) {
  const RowFold& fold = job.fold;
  const ColumnTables tables = ColumnTables::carve(job.tables, fold.width);
  for_channels(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    const auto eps = hn::Set(d, static_cast<double>(job.attrs.eps));
    const auto std = hn::Sqrt(hn::Add(load_f64(d, job.running_var + c), eps));
    const auto gamma = job.gamma != nullptr ? load_f64(d, job.gamma + c) : hn::Set(d, 1.0);
    const auto beta = job.beta != nullptr ? load_f64(d, job.beta + c) : hn::Zero(d);
    for (std::int64_t j = 0; j < fold.repeat; ++j) {
      const std::int64_t v = j * fold.channels + c;
      store_f32(d, load_f64(d, job.running_mean + c), tables.a + v);
      store_f32(d, hn::Div(gamma, std), tables.b + v);
      store_f32(d, beta, tables.c + v);
    }
  });
}

void batch_norm_inference(const BatchNormInferenceJob& job, const Team& team) {
  make_tables(job, team.share(job.fold.channels, 16));
  team.barrier();
  const BatchNormApply apply{.x = job.x,
                             .residual = job.residual,
                             .y = job.y,
                             .tables = ColumnTables::carve(job.tables, job.fold.width),
                             .width = job.fold.width,
                             .partial_row = job.fold.rows,
                             .has_relu = job.attrs.has_relu,
                             .is_streamed = false};
  const Tile tile = job.grid.tile(team);
  job.dtype == DType::bf16 ? batch_norm_apply<bf16_t>(apply, tile) : batch_norm_apply<float>(apply, tile);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(batch_norm_inference);

class BatchNormInference final : public Kernel {
 public:
  explicit BatchNormInference(const NodeContext& node) {
    const graph::ValueType& x = node.in_type(0);
    job_.attrs = node.attrs<graph::BatchNormAttrs>();
    job_.dtype = x.dtype;
    threads_ = useful_threads(node.threads, x.shape.elements() * size_of(x.dtype));
    job_.fold = RowFold(x.shape.rows(), x.shape.back());
    job_.grid = TileGrid(job_.fold, threads_);
  }

  std::int64_t scratch_bytes() const override { return ColumnTables::bytes(job_.fold.width); }

  void bind(const KernelArgs& args) override {
    std::size_t next = 0;
    job_.x = args.in[next++];
    if (job_.attrs.has_affine) {
      job_.gamma = static_cast<const float*>(args.in[next++]);
      job_.beta = static_cast<const float*>(args.in[next++]);
    }
    job_.running_mean = static_cast<const float*>(args.in[next++]);
    job_.running_var = static_cast<const float*>(args.in[next++]);
    if (job_.attrs.has_residual) job_.residual = args.in[next++];
    job_.y = args.out[0];
    job_.tables = static_cast<std::byte*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(batch_norm_inference)(job_, team); });
  }

 private:
  BatchNormInferenceJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_batch_norm_inference(const NodeContext& node) {
  return std::make_unique<BatchNormInference>(node);
}

}  // namespace gyrus::backend::cpu
#endif
