// Sum over the rows of [rows, C]: reads A once, one operation an element; f32 within blocks of rows, f64 across them.
#include "backend/cpu/simd/sum_rows.h"

#include <cstddef>
#include <cstdint>

#include "backend/cpu/simd/column_sums.h"
#include "backend/cpu/simd/row_fold.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/sum_rows.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_SUM_ROWS_JOB
#define GYRUS_SIMD_SUM_ROWS_JOB
namespace gyrus::backend::cpu {

struct SumRowsJob {
  RowFold fold;
  TileGrid grid;
  DType dtype = DType::f32;
  const void* x = nullptr;    // [rows, C] A
  float* y = nullptr;         // [C]
  std::byte* sums = nullptr;  // scratch
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class T>
void sum_rows_as(const SumRowsJob& job, const Team& team) {
  const RowFold& fold = job.fold;
  const ColumnSums sums = ColumnSums::carve(job.sums, fold.width, job.grid.part_of(team));
  const T* x = static_cast<const T*>(job.x);
  sum_tile<8>(job.grid.tile(team), fold.rows, sums, [=](auto count, std::int64_t row, Range columns) HWY_ATTR {
    const T* first_row = x + row * fold.width;
    for_vectors(columns, [=](auto access, std::int64_t v) HWY_ATTR {
      Vec sum = zero();
      for (std::int64_t k = 0; k < count.value; ++k) sum = hn::Add(sum, access.read(first_row + k * fold.width + v));
      store(sums.first + v, hn::Add(load(sums.first + v), sum));
    });
  });
  team.barrier();
  const int parts = job.grid.parts(team);
  for_channels(team.share(fold.channels, 16), [&](auto d, std::int64_t c) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int part = 0; part < parts; ++part) {
      const double* totals = ColumnSums::carve(job.sums, fold.width, part).first_total + c;
      for (std::int64_t j = 0; j < fold.repeat; ++j) sum = hn::Add(sum, hn::LoadU(d, totals + j * fold.channels));
    }
    store_f32(d, sum, job.y + c);
  });
}

void sum_rows(const SumRowsJob& job, const Team& team) {
  job.dtype == DType::bf16 ? sum_rows_as<bf16_t>(job, team) : sum_rows_as<float>(job, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(sum_rows);

class SumRows final : public Kernel {
 public:
  explicit SumRows(const NodeContext& node) {
    const graph::ValueType& x = node.in_type(0);
    job_.dtype = x.dtype;
    threads_ = useful_threads(node.threads, x.shape.elements() * size_of(x.dtype));
    job_.fold = RowFold(x.shape.rows(), x.shape.back());
    job_.grid = TileGrid(job_.fold, threads_);
  }

  std::int64_t scratch_bytes() const override { return ColumnSums::bytes(job_.fold.width) * threads_; }

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.y = static_cast<float*>(args.out[0]);
    job_.sums = static_cast<std::byte*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(sum_rows)(job_, team); });
  }

 private:
  SumRowsJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_sum_rows(const NodeContext& node) { return std::make_unique<SumRows>(node); }

}  // namespace gyrus::backend::cpu
#endif
