// scale_rows: reads one element, writes one (2 A bytes), one multiplication.
#include "backend/cpu/simd/scale_rows.h"

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/scale_rows.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_SCALE_ROWS_JOB
#define GYRUS_SIMD_SCALE_ROWS_JOB
namespace gyrus::backend::cpu {

struct ScaleRowsJob {
  const void* x = nullptr;         // [N, width] A
  const float* factors = nullptr;  // [N]
  void* y = nullptr;               // [N, width] A; may be x
  std::int64_t width = 0;
  DType dtype = DType::f32;
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// A factor of 0 gives 0 whatever the branch holds: an infinity in a dropped one must not become NaN.
template <class T>
void scale_rows_as(const ScaleRowsJob& job, Range range) {
  const T* x = static_cast<const T*>(job.x);
  T* y = static_cast<T*>(job.y);
  for (std::int64_t begin = range.begin; begin < range.end;) {
    const std::int64_t row = begin / job.width, end = std::min(range.end, (row + 1) * job.width);
    const float factor = job.factors[row];
    const Vec scale = set(factor);
    for_flat({begin, end}, [=](auto access, std::int64_t i) HWY_ATTR {
      access.write(y + i, factor == 0 ? zero() : hn::Mul(access.read(x + i), scale));
    });
    begin = end;
  }
}

void scale_rows(const ScaleRowsJob& job, Range range) {
  job.dtype == DType::bf16 ? scale_rows_as<bf16_t>(job, range) : scale_rows_as<float>(job, range);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(scale_rows);

class ScaleRows final : public Kernel {
 public:
  explicit ScaleRows(const NodeContext& node)
      : rows_(node.in_shape(0)[0]),
        count_(node.in_shape(0).elements()),
        branch_(node.attrs<graph::RowScaleAttrs>().branch) {
    job_.width = count_ / rows_;
    job_.dtype = node.in_type(0).dtype;
    threads_ = useful_threads(node.threads, count_ * size_of(job_.dtype));
  }

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.factors = static_cast<const float*>(args.in[1]) + branch_ * rows_;
    job_.y = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(scale_rows)(job_, team.share(count_, kFlatGrain));
    });
  }

 private:
  ScaleRowsJob job_;
  std::int64_t rows_, count_, branch_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_scale_rows(const NodeContext& node) { return std::make_unique<ScaleRows>(node); }

}  // namespace gyrus::backend::cpu
#endif
