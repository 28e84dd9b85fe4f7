// softmax_cross_entropy: reads the logits, writes the probabilities (8 bytes an element), one exponential and about 6
// operations. A row stays in cache for three sweeps: maximum, exponentials and their sum, division. The rows' losses
// are added in order, in f64: the loss is the same for any number of threads. softmax_cross_entropy_grad: reads the
// probabilities, writes dlogits (8 bytes), 2 operations.
#include "backend/cpu/simd/softmax_cross_entropy.h"

#include <cmath>
#include <limits>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/softmax_cross_entropy.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/rows-inl.h"
#include "math/softmax_terms.h"

#ifndef GYRUS_SIMD_SOFTMAX_CROSS_ENTROPY_JOB
#define GYRUS_SIMD_SOFTMAX_CROSS_ENTROPY_JOB
namespace gyrus::backend::cpu {

struct Labels {
  const std::int32_t* given = nullptr;  // [N]; null: row i's label is (i + offset) mod classes
  std::int64_t offset = 0, classes = 0;

  std::int64_t operator[](std::int64_t row) const {
    if (given != nullptr) return given[row];
    return row + offset < classes ? row + offset : row + offset - classes;
  }
};

struct CrossEntropyJob {
  std::int64_t classes = 0;
  graph::CrossEntropyAttrs attrs;
  Labels labels;
  const float* logits = nullptr;   // [N, K]
  float* probabilities = nullptr;  // [N, K]; may be logits
  double* losses = nullptr;        // [N] scratch
  double* hits = nullptr;          // [N] scratch, 0 or 1
};

struct CrossEntropyGradJob {
  std::int64_t rows = 0, classes = 0;
  graph::CrossEntropyAttrs attrs;
  Labels labels;
  const float* dloss = nullptr;          // [1]
  const float* probabilities = nullptr;  // [N, K]
  float* dlogits = nullptr;              // [N, K]; may be probabilities
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

struct RowTops {
  float logit, scaled;  // the largest z, and the largest scale z, which is another one's for a negative scale
};

// A NaN may be passed over here; the exponentials keep it.
HWY_INLINE RowTops tops_of_row(const float* z, std::int64_t classes, float scale) {
  const Vec lowest = set(-std::numeric_limits<float>::infinity()), factor = set(scale);
  Vec top = lowest, scaled_top = lowest;
  const auto take = [&](Vec v, Vec scaled) HWY_ATTR {
    top = hn::Max(v, top);
    scaled_top = hn::Max(scaled, scaled_top);
  };
  const std::int64_t n = lanes(), rest = classes % n;
  for (std::int64_t i = 0; i + n <= classes; i += n) take(load(z + i), hn::Mul(load(z + i), factor));
  if (rest > 0) {
    const MaskF32 is_inside = hn::FirstN(F32(), static_cast<std::size_t>(rest));
    const Vec v = load_some(z + classes - rest, rest);
    take(hn::IfThenElse(is_inside, v, lowest), hn::IfThenElse(is_inside, hn::Mul(v, factor), lowest));
  }
  return {hn::GetLane(hn::MaxOfLanes(F32(), top)), hn::GetLane(hn::MaxOfLanes(F32(), scaled_top))};
}

// exp(scale z - top) of some classes of a row, into p; their sum is the result.
HWY_INLINE float exponentials(const float* z, float* p, std::int64_t classes, float scale, float top) {
  const Vec factor = set(scale), largest = set(top);
  const Vec terms = sum_row(classes, [=](auto access, std::int64_t k) HWY_ATTR {
    const Vec term = math::HWY_NAMESPACE::softmax_term<HwyPack>(factor, access.read(z + k), largest);
    access.write(p + k, term);
    return term;
  });
  return sum_of(terms);
}

HWY_INLINE void divide(float* p, std::int64_t classes, float sum) {
  const Vec inverse = set(1.0F / sum);
  for_vectors({0, classes},
              [=](auto access, std::int64_t k) HWY_ATTR { access.write(p + k, hn::Mul(access.read(p + k), inverse)); });
}

// One row: its probabilities, and its cross entropy and hit as the result.
HWY_INLINE double softmax_row(const CrossEntropyJob& job, const float* z, float* p, std::int64_t label, double* hit) {
  const std::int64_t classes = job.classes;
  const float smoothing = job.attrs.label_smoothing, scale = job.attrs.logit_scale;
  const RowTops tops = tops_of_row(z, classes, scale);
  const float z_label = z[label] * scale;  // rounded as in tops.scaled: a row that is sure of its label has no loss
  *hit = z[label] >= tops.logit ? 1.0 : 0.0;
  double z_mean = 0;  // stays 0 without smoothing, where an infinite logit must not reach the loss
  if (smoothing > 0) {
    const Vec sum = sum_row(classes, [=](auto access, std::int64_t k) HWY_ATTR { return access.read(z + k); });
    z_mean = static_cast<double>(sum_of(sum)) * static_cast<double>(scale) / static_cast<double>(classes);
  }
  const float sum = exponentials(z, p, classes, scale, tops.scaled);
  divide(p, classes, sum);
  return math::HWY_NAMESPACE::cross_entropy(std::log(static_cast<double>(sum)), static_cast<double>(tops.scaled),
                                            static_cast<double>(z_label), z_mean, static_cast<double>(smoothing));
}

// The same of a row that has no class `self`: two stretches, before it and behind it.
double softmax_row_without(const CrossEntropyJob& job, const float* z, float* p, std::int64_t label, std::int64_t self,
                           double* hit) {
  const float scale = job.attrs.logit_scale;
  const std::int64_t next = self + 1, rest = job.classes - next;
  const RowTops before = tops_of_row(z, self, scale), behind = tops_of_row(z + next, rest, scale);
  const float top = std::max(before.scaled, behind.scaled), z_label = z[label] * scale;
  *hit = z[label] >= std::max(before.logit, behind.logit) ? 1.0 : 0.0;
  const float sum = exponentials(z, p, self, scale, top) + exponentials(z + next, p + next, rest, scale, top);
  divide(p, self, sum);
  divide(p + next, rest, sum);
  p[self] = 0;
  return math::HWY_NAMESPACE::cross_entropy(std::log(static_cast<double>(sum)), static_cast<double>(top),
                                            static_cast<double>(z_label), 0, 0);
}

void softmax_cross_entropy(const CrossEntropyJob& job, Range rows) {
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t at = row * job.classes, label = job.labels[row];
    const float* const z = job.logits + at;
    float* const p = job.probabilities + at;
    job.losses[row] = job.attrs.excludes_self ? softmax_row_without(job, z, p, label, row, job.hits + row)
                                              : softmax_row(job, z, p, label, job.hits + row);
  }
}

void softmax_cross_entropy_grad(const CrossEntropyGradJob& job, Range rows) {
  const double smoothing = static_cast<double>(job.attrs.label_smoothing);
  const double scale = static_cast<double>(*job.dloss) * static_cast<double>(job.attrs.loss_scale) *
                       static_cast<double>(job.attrs.logit_scale) / static_cast<double>(job.rows);
  const double smooth_target = smoothing / static_cast<double>(job.classes),
               label_target = 1 - smoothing + smooth_target;
  const Vec factor = set(static_cast<float>(scale)), target = set(static_cast<float>(smooth_target));
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* p = job.probabilities + row * job.classes;
    float* dlogits = job.dlogits + row * job.classes;
    const std::int64_t label = job.labels[row];
    const double p_label = static_cast<double>(p[label]);
    for_vectors({0, job.classes}, [=](auto access, std::int64_t k) HWY_ATTR {
      access.write(dlogits + k, hn::Mul(factor, hn::Sub(access.read(p + k), target)));
    });
    dlogits[label] = static_cast<float>(scale * (p_label - label_target));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(softmax_cross_entropy);
HWY_EXPORT(softmax_cross_entropy_grad);

// The kernels write at the labels, and threads of a team cannot throw: so before each run.
void check_labels(const Labels& labels, std::int64_t rows, std::int64_t classes) {
  if (labels.given == nullptr) return;  // infer() has checked the diagonal
  for (std::int64_t row = 0; row < rows; ++row) {
    GYRUS_CHECK(labels[row] >= 0 && labels[row] < classes, Code::invalid_argument, "softmax_cross_entropy: row ", row,
                " has the label ", labels[row], "; there are ", classes, " classes, so it must be in [0, ", classes,
                ")");
  }
}

class SoftmaxCrossEntropy final : public Kernel {
 public:
  explicit SoftmaxCrossEntropy(const NodeContext& node) : rows_(node.in_shape(0).rows()) {
    job_.attrs = node.attrs<graph::CrossEntropyAttrs>();
    job_.classes = node.in_shape(0).back();
    job_.labels.offset = job_.attrs.diagonal_offset;
    job_.labels.classes = job_.classes;
    threads_ = useful_threads(node.threads, node.in_shape(0).elements() * size_of(DType::f32));
  }

  std::int64_t scratch_bytes() const override { return 2 * rows_ * size_of(DType::f64); }

  void bind(const KernelArgs& args) override {
    job_.logits = static_cast<const float*>(args.in[0]);
    if (!job_.attrs.labels_are_diagonal) job_.labels.given = static_cast<const std::int32_t*>(args.in[1]);
    loss_ = static_cast<float*>(args.out[0]);
    job_.probabilities = static_cast<float*>(args.out[1]);
    hits_ = static_cast<float*>(args.out[2]);
    job_.losses = static_cast<double*>(args.scratch);
    job_.hits = job_.losses + rows_;
  }

  void run() override {
    check_labels(job_.labels, rows_, job_.classes);
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(softmax_cross_entropy)(job_, team.share(rows_));
    });
    double loss = 0, hits = 0;
    for (std::int64_t row = 0; row < rows_; ++row) {
      loss += job_.losses[row];
      hits += job_.hits[row];
    }
    const double count = static_cast<double>(rows_);
    *loss_ = static_cast<float>(static_cast<double>(job_.attrs.loss_scale) * loss / count);
    *hits_ = static_cast<float>(hits / count);
  }

 private:
  CrossEntropyJob job_;
  std::int64_t rows_;
  float *loss_ = nullptr, *hits_ = nullptr;  // [1] each
  int threads_ = 1;
};

class SoftmaxCrossEntropyGrad final : public Kernel {
 public:
  explicit SoftmaxCrossEntropyGrad(const NodeContext& node) {
    job_.attrs = node.attrs<graph::CrossEntropyAttrs>();
    job_.rows = node.in_shape(1).rows();
    job_.classes = node.in_shape(1).back();
    job_.labels.offset = job_.attrs.diagonal_offset;
    job_.labels.classes = job_.classes;
    threads_ = useful_threads(node.threads, node.in_shape(1).elements() * size_of(DType::f32));
  }

  void bind(const KernelArgs& args) override {
    job_.dloss = static_cast<const float*>(args.in[0]);
    job_.probabilities = static_cast<const float*>(args.in[1]);
    if (!job_.attrs.labels_are_diagonal) job_.labels.given = static_cast<const std::int32_t*>(args.in[2]);
    job_.dlogits = static_cast<float*>(args.out[0]);
  }

  void run() override {
    check_labels(job_.labels, job_.rows, job_.classes);
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(softmax_cross_entropy_grad)(job_, team.share(job_.rows));
    });
  }

 private:
  CrossEntropyGradJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_softmax_cross_entropy(const NodeContext& node) {
  return std::make_unique<SoftmaxCrossEntropy>(node);
}

std::unique_ptr<Kernel> make_softmax_cross_entropy_grad(const NodeContext& node) {
  return std::make_unique<SoftmaxCrossEntropyGrad>(node);
}

}  // namespace gyrus::backend::cpu
#endif
