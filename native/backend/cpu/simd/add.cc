// add: reads two elements, writes one (3 A bytes), one operation.
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

template <class T>
void add_as(const FlatJob& job, Range range) {
  const T* a = static_cast<const T*>(job.in[0]);
  const T* b = static_cast<const T*>(job.in[1]);
  T* y = static_cast<T*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i)
                      HWY_ATTR { access.write(y + i, hn::Add(access.read(a + i), access.read(b + i))); });
}

void add(const FlatJob& job, Range range) {
  job.in_type == DType::bf16 ? add_as<bf16_t>(job, range) : add_as<float>(job, range);
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
