// y = (x - a) b + c per column, plus a residual, through a relu: the second pass of batch_norm and all of
// batch_norm_inference. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_BATCH_NORM_APPLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_BATCH_NORM_APPLY_INL_H
#undef GYRUS_SIMD_BATCH_NORM_APPLY_INL_H
#else
#define GYRUS_SIMD_BATCH_NORM_APPLY_INL_H
#endif

#include "backend/cpu/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

struct BatchNormApply {
  const void *x, *residual;  // [rows, C] A; residual may be null
  void* y;                   // [rows, C] A
  ColumnTables tables;
  std::int64_t width, partial_row;
  bool has_relu;
  bool is_streamed;
};

// Subtracting the mean before scaling keeps full precision where |mean| is many times the deviation.
template <class T, bool kHasResidual, bool kHasRelu, bool kIsStreamed>
void batch_norm_apply_rows(const BatchNormApply& job, const Tile& tile) {
  const T* x = static_cast<const T*>(job.x);
  const T* residual = static_cast<const T*>(job.residual);
  T* y = static_cast<T*>(job.y);
  const ColumnTables tables = job.tables;
  const std::int64_t width = job.width;
  apply_tile<4>(tile, job.partial_row, [=](auto count, std::int64_t row, Range columns) HWY_ATTR {
    for_vectors(columns, [=](auto access, std::int64_t v) HWY_ATTR {
      const Vec a = load(tables.a + v), b = load(tables.b + v), c = load(tables.c + v);
      for (std::int64_t k = 0; k < count.value; ++k) {
        const std::int64_t at = (row + k) * width + v;
        Vec out = hn::MulAdd(hn::Sub(access.read(x + at), a), b, c);
        if constexpr (kHasResidual) out = hn::Add(out, access.read(residual + at));
        if constexpr (kHasRelu) out = hn::Max(zero(), out);
        if constexpr (kIsStreamed) {
          access.write_past_cache(y + at, out);
        } else {
          access.write(y + at, out);
        }
      }
    });
  });
  if constexpr (kIsStreamed) hwy::FlushStream();
}

template <class T, bool kHasResidual, bool kHasRelu>
void batch_norm_apply_as(const BatchNormApply& job, const Tile& tile) {
  job.is_streamed ? batch_norm_apply_rows<T, kHasResidual, kHasRelu, true>(job, tile)
                  : batch_norm_apply_rows<T, kHasResidual, kHasRelu, false>(job, tile);
}

template <class T>
void batch_norm_apply(const BatchNormApply& job, const Tile& tile) {
  if (job.residual != nullptr) {
    job.has_relu ? batch_norm_apply_as<T, true, true>(job, tile) : batch_norm_apply_as<T, true, false>(job, tile);
  } else {
    job.has_relu ? batch_norm_apply_as<T, false, true>(job, tile) : batch_norm_apply_as<T, false, false>(job, tile);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
