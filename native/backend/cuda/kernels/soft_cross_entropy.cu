// soft_cross_entropy: a block a row. Reads logits and targets, writes the probabilities: 12 bytes an element (and 12
// more that stay in cache), one exponential and some 8 operations. The rows' losses are added in f64, by one block.
// soft_cross_entropy_backward: a block a row. Reads probabilities and targets, writes dlogits: 12 bytes an element (and
// 4 from cache), 4 operations.
#include "backend/cuda/kernels/soft_cross_entropy.h"

#include "backend/cuda/kernels/rows.h"
#include "math/softmax_terms.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kRowThreads = 256;

struct SoftEntropyRow {
  static constexpr const char* kName = "soft_cross_entropy";
  static constexpr int kThreads = kRowThreads;
  static constexpr bool kIsCooperative = true;
  const float *logits, *targets;
  float* probabilities;
  double* losses;  // [rows]
  std::int64_t classes;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t row = thread.block();
    const float *z = logits + row * classes, *t = targets + row * classes;
    float* p = probabilities + row * classes;
    float top = -INFINITY;
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) {
      if (z[k] > top) top = z[k];
    }
    top = block_max(thread, top);
    double sum = 0, all = 0, along = 0;
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) {
      const float logit = z[k], target = t[k], term = math::softmax_term<Scalar>(1, logit, top);
      // A logit of minus infinity may stand where the target is zero.
      if (target != 0) along += static_cast<double>(target) * static_cast<double>(logit - top);
      all += static_cast<double>(target);
      sum += static_cast<double>(term);
      p[k] = term;
    }
    sum = block_sum(thread, sum);
    all = block_sum(thread, all);
    along = block_sum(thread, along);
    const float inverse = static_cast<float>(1 / sum);
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) p[k] *= inverse;
    if (thread.index() == 0) losses[row] = all * std::log(sum) - along;
  }
};

struct SoftEntropySum {
  static constexpr const char* kName = "soft_cross_entropy, sum";
  static constexpr int kThreads = kRowThreads;
  static constexpr bool kIsCooperative = true;
  const double* losses;
  float* loss;
  std::int64_t rows;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    double sum = 0;
    for (std::int64_t row = thread.index(); row < rows; row += kThreads) sum += losses[row];
    sum = block_sum(thread, sum);
    if (thread.index() == 0) *loss = static_cast<float>(sum);
  }
};

struct SoftEntropyBackward {
  static constexpr const char* kName = "soft_cross_entropy_backward";
  static constexpr int kThreads = kRowThreads;
  static constexpr bool kIsCooperative = true;
  const float *dloss, *probabilities, *targets;
  float* dlogits;
  std::int64_t classes;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t first = thread.block() * classes;
    double sum = 0;
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) sum += static_cast<double>(targets[first + k]);
    const float all = static_cast<float>(block_sum(thread, sum)), scale = *dloss;
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) {
      const std::int64_t at = first + k;
      dlogits[at] = scale * (all * probabilities[at] - targets[at]);
    }
  }
};

}  // namespace

std::int64_t soft_cross_entropy_scratch_bytes(const SoftCrossEntropyArgs& args) {
  return args.rows * static_cast<std::int64_t>(sizeof(double));
}

void soft_cross_entropy_forward(Stream stream, const SoftCrossEntropyArgs& args) {
  auto* losses = static_cast<double*>(args.scratch);
  launch(stream, {args.rows}, SoftEntropyRow{args.logits, args.targets, args.probabilities, losses, args.classes});
  launch(stream, {1}, SoftEntropySum{losses, args.loss, args.rows});
}

void soft_cross_entropy_backward(Stream stream, const SoftCrossEntropyBackwardArgs& args) {
  launch(stream, {args.rows},
         SoftEntropyBackward{args.dloss, args.probabilities, args.targets, args.dlogits, args.classes});
}

}  // namespace gyrus::backend::cuda
