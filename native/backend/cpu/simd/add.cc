// add: reads two elements, writes one (3 A bytes, 10 where a bf16 branch joins an f32 stream), one operation.
#include "backend/cpu/simd/add.h"

#include "backend/cpu/simd/flat_kernel.h"
#include "backend/cpu/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/add.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class A, class B>
void add_as(const FlatJob& job, Range range) {
  using Sum = std::conditional_t<std::is_same_v<A, B>, A, float>;
  const A* a = static_cast<const A*>(job.in[0]);
  const B* b = static_cast<const B*>(job.in[1]);
  Sum* y = static_cast<Sum*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i)
                      HWY_ATTR { access.write(y + i, hn::Add(access.read(a + i), access.read(b + i))); });
}

void add(const FlatJob& job, Range range) {
  if (job.in_type[0] == DType::bf16) {
    job.in_type[1] == DType::bf16 ? add_as<bf16_t, bf16_t>(job, range) : add_as<bf16_t, float>(job, range);
  } else {
    job.in_type[1] == DType::bf16 ? add_as<float, bf16_t>(job, range) : add_as<float, float>(job, range);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {

namespace {

HWY_EXPORT(add);

void dispatch_add(const FlatJob& job, Range range) { HWY_DYNAMIC_DISPATCH(add)(job, range); }

}  // namespace

std::unique_ptr<Kernel> make_add(const NodeContext& node) { return std::make_unique<FlatKernel>(node, dispatch_add); }

}  // namespace gyrus::backend::cpu
#endif
