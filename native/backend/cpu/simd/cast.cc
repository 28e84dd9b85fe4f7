// cast: reads one element, writes one (6 bytes between f32 and bf16), up to 6 operations for rounding.
#include "backend/cpu/simd/cast.h"

#include "backend/cpu/simd/flat_kernel.h"
#include "backend/cpu/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/cast.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class From, class To>
void cast_as(const FlatJob& job, Range range) {
  const From* x = static_cast<const From*>(job.in[0]);
  To* y = static_cast<To*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i) HWY_ATTR { access.write(y + i, access.read(x + i)); });
}

void cast(const FlatJob& job, Range range) {
  if (job.in_type[0] == DType::bf16) {
    job.out_type == DType::bf16 ? cast_as<bf16_t, bf16_t>(job, range) : cast_as<bf16_t, float>(job, range);
  } else {
    job.out_type == DType::bf16 ? cast_as<float, bf16_t>(job, range) : cast_as<float, float>(job, range);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {

namespace {

HWY_EXPORT(cast);

void dispatch_cast(const FlatJob& job, Range range) { HWY_DYNAMIC_DISPATCH(cast)(job, range); }

}  // namespace

std::unique_ptr<Kernel> make_cast(const NodeContext& node) { return std::make_unique<FlatKernel>(node, dispatch_cast); }

}  // namespace gyrus::backend::cpu
#endif
