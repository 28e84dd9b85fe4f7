// Rows of [N, D] divided by their norm: reads A, writes f32; two sweeps over a row in cache, 3 operations an element.
// Gradient: reads dy and y, writes dx, 4 operations an element.
#include "backend/cpu/simd/l2_normalize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/l2_normalize.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_L2_NORMALIZE_JOB
#define GYRUS_SIMD_L2_NORMALIZE_JOB
namespace gyrus::backend::cpu {

struct L2NormalizeJob {
  std::int64_t rows = 0, width = 0;
  DType dtype = DType::f32;  // A
  float eps = 0;
  const void* x = nullptr;                  // [N, D] A
  float *y = nullptr, *inv_norm = nullptr;  // [N, D], [N]
  const float* dy = nullptr;                // [N, D]
  void* dx = nullptr;                       // [N, D] A
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

template <class T>
void normalize_row(const L2NormalizeJob& job, std::int64_t row) {
  const T* x = static_cast<const T*>(job.x) + row * job.width;
  float* y = job.y + row * job.width;
  Vec squares = zero();
  for_vectors({0, job.width}, [&](auto access, std::int64_t c) HWY_ATTR {
    const Vec v = access.read(x + c);
    squares = hn::MulAdd(v, v, squares);
  });
  const float inv_norm = 1.0F / std::max(std::sqrt(sum_of(squares)), job.eps);
  const Vec scale = set(inv_norm);
  for_vectors({0, job.width},
              [=](auto access, std::int64_t c) HWY_ATTR { access.write(y + c, hn::Mul(access.read(x + c), scale)); });
  job.inv_norm[row] = inv_norm;
}

void l2_normalize(const L2NormalizeJob& job, const Team& team) {
  const Range rows = team.share(job.rows);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    job.dtype == DType::bf16 ? normalize_row<bf16_t>(job, row) : normalize_row<float>(job, row);
  }
}

template <class T>
void normalize_grad_row(const L2NormalizeJob& job, std::int64_t row) {
  const float *y = job.y + row * job.width, *dy = job.dy + row * job.width;
  T* dx = static_cast<T*>(job.dx) + row * job.width;
  Vec products = zero();
  for_vectors({0, job.width}, [&](auto access, std::int64_t c) HWY_ATTR {
    products = hn::MulAdd(access.read(y + c), access.read(dy + c), products);
  });
  const Vec along = hn::SumOfLanes(F32(), products), scale = set(job.inv_norm[row]);
  for_vectors({0, job.width}, [=](auto access, std::int64_t c) HWY_ATTR {
    access.write(dx + c, hn::Mul(scale, hn::NegMulAdd(access.read(y + c), along, access.read(dy + c))));
  });
}

void l2_normalize_grad(const L2NormalizeJob& job, const Team& team) {
  const Range rows = team.share(job.rows);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    job.dtype == DType::bf16 ? normalize_grad_row<bf16_t>(job, row) : normalize_grad_row<float>(job, row);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(l2_normalize);
HWY_EXPORT(l2_normalize_grad);

// `x`: the type of x, which is also that of dx.
L2NormalizeJob job_of(const NodeContext& node, const graph::ValueType& x) {
  L2NormalizeJob job;
  job.rows = x.shape.rows();
  job.width = x.shape.back();
  job.dtype = x.dtype;
  job.eps = node.attrs<graph::L2NormalizeAttrs>().eps;
  return job;
}

class L2Normalize final : public Kernel {
 public:
  explicit L2Normalize(const NodeContext& node)
      : job_(job_of(node, node.in_type(0))), threads_(useful_threads(node.threads, job_.rows * job_.width * 4)) {}

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.y = static_cast<float*>(args.out[0]);
    job_.inv_norm = static_cast<float*>(args.out[1]);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(l2_normalize)(job_, team); });
  }

 private:
  L2NormalizeJob job_;
  int threads_;
};

class L2NormalizeGrad final : public Kernel {
 public:
  explicit L2NormalizeGrad(const NodeContext& node)
      : job_(job_of(node, node.out_type(0))), threads_(useful_threads(node.threads, job_.rows * job_.width * 4)) {}

  void bind(const KernelArgs& args) override {
    job_.dy = static_cast<const float*>(args.in[0]);
    job_.y = static_cast<float*>(args.in[1]);
    job_.inv_norm = static_cast<float*>(args.in[2]);
    job_.dx = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(l2_normalize_grad)(job_, team); });
  }

 private:
  L2NormalizeJob job_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_l2_normalize(const NodeContext& node) { return std::make_unique<L2Normalize>(node); }

std::unique_ptr<Kernel> make_l2_normalize_grad(const NodeContext& node) {
  return std::make_unique<L2NormalizeGrad>(node);
}

}  // namespace gyrus::backend::cpu
#endif
