// soft_cross_entropy: reads logits and targets, writes the probabilities (12 bytes an element), one exponential and
// about 8 operations. A row stays in cache for four sweeps: maximum, targets, exponentials and their sum, division. The
// rows' losses are added in order, in f64. soft_cross_entropy_grad: reads probabilities and targets, writes dlogits (12
// bytes), 3 operations.
#include "backend/cpu/simd/soft_cross_entropy.h"

#include <cmath>
#include <limits>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/soft_cross_entropy.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/rows-inl.h"
#include "math/softmax_terms.h"

#ifndef GYRUS_SIMD_SOFT_CROSS_ENTROPY_JOB
#define GYRUS_SIMD_SOFT_CROSS_ENTROPY_JOB
namespace gyrus::backend::cpu {

struct SoftEntropyJob {
  std::int64_t classes = 0;
  const float* logits = nullptr;   // [N, K]
  const float* targets = nullptr;  // [N, K]
  float* probabilities = nullptr;  // [N, K]; may be logits
  double* losses = nullptr;        // [N] scratch
};

struct SoftEntropyGradJob {
  std::int64_t classes = 0;
  const float* dloss = nullptr;          // [1]
  const float* probabilities = nullptr;  // [N, K]
  const float* targets = nullptr;        // [N, K]
  float* dlogits = nullptr;              // [N, K]; may be probabilities
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE float target_sum(const float* t, std::int64_t classes) {
  return sum_of(sum_row(classes, [=](auto access, std::int64_t k) HWY_ATTR { return access.read(t + k); }));
}

// One row: its probabilities, and its loss as the result. Logits are taken less their maximum, so that a row that is
// sure of its class loses nothing to rounding.
HWY_INLINE double soft_row(const float* z, const float* t, float* p, std::int64_t classes) {
  const Vec lowest = set(-std::numeric_limits<float>::infinity());
  Vec top = lowest;
  for_vectors({0, classes}, [&](auto access, std::int64_t k)
                                HWY_ATTR { top = hn::Max(access.keep_or(access.read(z + k), lowest), top); });
  const float most = hn::GetLane(hn::MaxOfLanes(F32(), top));
  const Vec shift = set(most), one = set(1.0F);
  const float all = target_sum(t, classes);
  // A logit of minus infinity may stand where the target is zero.
  const Vec along = sum_row(classes, [=](auto access, std::int64_t k) HWY_ATTR {
    const Vec target = access.read(t + k);
    const Vec product = hn::Mul(target, hn::Sub(access.read(z + k), shift));
    return hn::IfThenElse(hn::Eq(target, zero()), zero(), product);
  });
  const Vec terms = sum_row(classes, [=](auto access, std::int64_t k) HWY_ATTR {
    const Vec term = math::HWY_NAMESPACE::softmax_term<HwyPack>(one, access.read(z + k), shift);
    access.write(p + k, term);
    return term;
  });
  const float sum = sum_of(terms);
  const Vec inverse = set(1.0F / sum);
  for_vectors({0, classes},
              [=](auto access, std::int64_t k) HWY_ATTR { access.write(p + k, hn::Mul(access.read(p + k), inverse)); });
  return static_cast<double>(all) * std::log(static_cast<double>(sum)) - static_cast<double>(sum_of(along));
}

void soft_cross_entropy(const SoftEntropyJob& job, Range rows) {
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t at = row * job.classes;
    job.losses[row] = soft_row(job.logits + at, job.targets + at, job.probabilities + at, job.classes);
  }
}

void soft_cross_entropy_grad(const SoftEntropyGradJob& job, Range rows) {
  const Vec dloss = set(*job.dloss);
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float *p = job.probabilities + row * job.classes, *t = job.targets + row * job.classes;
    float* dlogits = job.dlogits + row * job.classes;
    const Vec all = set(target_sum(t, job.classes));
    for_vectors({0, job.classes}, [=](auto access, std::int64_t k) HWY_ATTR {
      access.write(dlogits + k, hn::Mul(dloss, hn::MulSub(all, access.read(p + k), access.read(t + k))));
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(soft_cross_entropy);
HWY_EXPORT(soft_cross_entropy_grad);

class SoftCrossEntropy final : public Kernel {
 public:
  explicit SoftCrossEntropy(const NodeContext& node) : rows_(node.in_shape(0).rows()) {
    job_.classes = node.in_shape(0).back();
    threads_ = useful_threads(node.threads, node.in_shape(0).elements() * size_of(DType::f32));
  }

  std::int64_t scratch_bytes() const override { return rows_ * size_of(DType::f64); }

  void bind(const KernelArgs& args) override {
    job_.logits = static_cast<const float*>(args.in[0]);
    job_.targets = static_cast<const float*>(args.in[1]);
    loss_ = static_cast<float*>(args.out[0]);
    job_.probabilities = static_cast<float*>(args.out[1]);
    job_.losses = static_cast<double*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(soft_cross_entropy)(job_, team.share(rows_)); });
    double loss = 0;
    for (std::int64_t row = 0; row < rows_; ++row) loss += job_.losses[row];
    *loss_ = static_cast<float>(loss);
  }

 private:
  SoftEntropyJob job_;
  std::int64_t rows_;
  float* loss_ = nullptr;  // [1]
  int threads_ = 1;
};

class SoftCrossEntropyGrad final : public Kernel {
 public:
  explicit SoftCrossEntropyGrad(const NodeContext& node) : rows_(node.in_shape(1).rows()) {
    job_.classes = node.in_shape(1).back();
    threads_ = useful_threads(node.threads, node.in_shape(1).elements() * size_of(DType::f32));
  }

  void bind(const KernelArgs& args) override {
    job_.dloss = static_cast<const float*>(args.in[0]);
    job_.probabilities = static_cast<const float*>(args.in[1]);
    job_.targets = static_cast<const float*>(args.in[2]);
    job_.dlogits = static_cast<float*>(args.out[0]);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(soft_cross_entropy_grad)(job_, team.share(rows_));
    });
  }

 private:
  SoftEntropyGradJob job_;
  std::int64_t rows_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_soft_cross_entropy(const NodeContext& node) {
  return std::make_unique<SoftCrossEntropy>(node);
}

std::unique_ptr<Kernel> make_soft_cross_entropy_grad(const NodeContext& node) {
  return std::make_unique<SoftCrossEntropyGrad>(node);
}

}  // namespace gyrus::backend::cpu
#endif
