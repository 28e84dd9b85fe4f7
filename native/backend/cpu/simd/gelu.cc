// gelu: reads one element, writes one (2 A bytes), about 30 operations and a division.
// gelu_grad: reads two, writes one (3 A bytes), about 50 operations and a division.
#include "backend/cpu/simd/gelu.h"

#include "backend/cpu/simd/flat_kernel.h"
#include "backend/cpu/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/gelu.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/gelu.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class T>
void gelu_as(const FlatJob& job, Range range) {
  const T* x = static_cast<const T*>(job.in[0]);
  T* y = static_cast<T*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i)
                      HWY_ATTR { access.write(y + i, math::HWY_NAMESPACE::gelu<HwyPack>(access.read(x + i))); });
}

void gelu(const FlatJob& job, Range range) {
  job.in_type[0] == DType::bf16 ? gelu_as<bf16_t>(job, range) : gelu_as<float>(job, range);
}

template <class T>
void gelu_grad_as(const FlatJob& job, Range range) {
  const T* dy = static_cast<const T*>(job.in[0]);
  const T* x = static_cast<const T*>(job.in[1]);
  T* dx = static_cast<T*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i) HWY_ATTR {
    access.write(dx + i, hn::Mul(access.read(dy + i), math::HWY_NAMESPACE::gelu_slope<HwyPack>(access.read(x + i))));
  });
}

void gelu_grad(const FlatJob& job, Range range) {
  job.in_type[0] == DType::bf16 ? gelu_grad_as<bf16_t>(job, range) : gelu_grad_as<float>(job, range);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {

namespace {

HWY_EXPORT(gelu);
HWY_EXPORT(gelu_grad);

void dispatch_gelu(const FlatJob& job, Range range) { HWY_DYNAMIC_DISPATCH(gelu)(job, range); }
void dispatch_gelu_grad(const FlatJob& job, Range range) { HWY_DYNAMIC_DISPATCH(gelu_grad)(job, range); }

}  // namespace

std::unique_ptr<Kernel> make_gelu(const NodeContext& node) { return std::make_unique<FlatKernel>(node, dispatch_gelu); }

std::unique_ptr<Kernel> make_gelu_grad(const NodeContext& node) {
  return std::make_unique<FlatKernel>(node, dispatch_gelu_grad);
}

}  // namespace gyrus::backend::cpu
#endif
