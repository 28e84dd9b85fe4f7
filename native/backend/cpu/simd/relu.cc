// relu: reads one element, writes one (2 A bytes), one operation. relu_grad: reads two, writes one, two operations.
#include "backend/cpu/simd/relu.h"

#include "backend/cpu/simd/flat_kernel.h"
#include "backend/cpu/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/relu.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "math/relu.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class T>
void relu_as(const FlatJob& job, Range range) {
  const T* x = static_cast<const T*>(job.in[0]);
  T* y = static_cast<T*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i)
                      HWY_ATTR { access.write(y + i, math::HWY_NAMESPACE::relu<HwyPack>(access.read(x + i))); });
}

void relu(const FlatJob& job, Range range) {
  job.in_type[0] == DType::bf16 ? relu_as<bf16_t>(job, range) : relu_as<float>(job, range);
}

template <class T>
void relu_grad_as(const FlatJob& job, Range range) {
  const T* dy = static_cast<const T*>(job.in[0]);
  const T* y = static_cast<const T*>(job.in[1]);
  T* dx = static_cast<T*>(job.out);
  for_flat(range, [=](auto access, std::int64_t i) HWY_ATTR {
    access.write(dx + i, math::HWY_NAMESPACE::relu_gradient<HwyPack>(access.read(dy + i), access.read(y + i)));
  });
}

void relu_grad(const FlatJob& job, Range range) {
  job.in_type[0] == DType::bf16 ? relu_grad_as<bf16_t>(job, range) : relu_grad_as<float>(job, range);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {

namespace {

HWY_EXPORT(relu);
HWY_EXPORT(relu_grad);

void dispatch_relu(const FlatJob& job, Range range) { HWY_DYNAMIC_DISPATCH(relu)(job, range); }
void dispatch_relu_grad(const FlatJob& job, Range range) { HWY_DYNAMIC_DISPATCH(relu_grad)(job, range); }

}  // namespace

std::unique_ptr<Kernel> make_relu(const NodeContext& node) { return std::make_unique<FlatKernel>(node, dispatch_relu); }

std::unique_ptr<Kernel> make_relu_grad(const NodeContext& node) {
  return std::make_unique<FlatKernel>(node, dispatch_relu_grad);
}

}  // namespace gyrus::backend::cpu
#endif
