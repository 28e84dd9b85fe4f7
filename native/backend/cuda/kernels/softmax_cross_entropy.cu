// softmax_cross_entropy: a block a row. Reads the logits, writes the probabilities: 8 bytes an element (and 12 more
// that stay in cache), one exponential and some 6 operations. The rows' losses are added in f64, by one block.
// softmax_cross_entropy_backward: reads the probabilities, writes dlogits: 8 bytes an element, 2 operations.
#include "backend/cuda/kernels/softmax_cross_entropy.h"

#include "backend/cuda/kernels/flat.h"
#include "backend/cuda/kernels/rows.h"
#include "math/softmax_terms.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kRowThreads = 256;

// The label of a row, or -1 where it is no class.
struct Labels {
  const std::int32_t* given;
  CrossEntropyTerms terms;

  GYRUS_DEVICE std::int64_t of(std::int64_t row) const {
    const std::int64_t label =
        given != nullptr ? std::int64_t{given[row]} : (row + terms.diagonal_offset) % terms.classes;
    return label >= 0 && label < terms.classes ? label : -1;
  }
};

struct CrossEntropyRow {
  static constexpr const char* kName = "softmax_cross_entropy";
  static constexpr int kThreads = kRowThreads;
  static constexpr bool kIsCooperative = true;
  Labels labels;
  const float* logits;
  float* probabilities;
  double *losses, *hits;  // [rows]

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const CrossEntropyTerms& terms = labels.terms;
    const std::int64_t row = thread.block(), classes = terms.classes, label = labels.of(row);
    const float *z = logits + row * classes, scale = terms.logit_scale;
    float* p = probabilities + row * classes;
    // Read before anything is written: the probabilities may replace the logits.
    const float z_label = label < 0 ? 0 : z[label];
    float top = -INFINITY, scaled_top = -INFINITY;  // of z, and of scale z: another one's for a negative scale
    double z_sum = 0;
    const std::int64_t self = terms.excludes_self ? row : -1;
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) {
      if (k == self) continue;
      const float logit = z[k], scaled = logit * scale;
      if (logit > top) top = logit;
      if (scaled > scaled_top) scaled_top = scaled;
      if (terms.label_smoothing > 0) z_sum += static_cast<double>(logit);
    }
    top = block_max(thread, top);
    scaled_top = block_max(thread, scaled_top);
    double sum = 0;
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) {
      const float term = k == self ? 0 : math::softmax_term<Scalar>(scale, z[k], scaled_top);
      p[k] = term;
      sum += static_cast<double>(term);
    }
    sum = block_sum(thread, sum);
    const float inverse = static_cast<float>(1 / sum);
    for (std::int64_t k = thread.index(); k < classes; k += kThreads) p[k] *= inverse;
    // Without smoothing an infinite logit must not reach the loss by way of the mean.
    const double z_mean =
        terms.label_smoothing > 0 ? block_sum(thread, z_sum) * scale / static_cast<double>(classes) : 0;
    if (thread.index() != 0) return;
    const double loss = math::cross_entropy(std::log(sum), scaled_top, z_label * scale, z_mean, terms.label_smoothing);
    losses[row] = label < 0 ? static_cast<double>(NAN) : loss;
    hits[row] = label >= 0 && z_label >= top ? 1 : 0;
  }
};

// Sums of the rows' losses and hits.
struct CrossEntropyMean {
  static constexpr const char* kName = "softmax_cross_entropy, mean";
  static constexpr int kThreads = kRowThreads;
  static constexpr bool kIsCooperative = true;
  const double *losses, *hits;
  float *loss, *hit_share;
  std::int64_t rows;
  float loss_scale;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    double loss_sum = 0, hit_sum = 0;
    for (std::int64_t row = thread.index(); row < rows; row += kThreads) {
      loss_sum += losses[row];
      hit_sum += hits[row];
    }
    loss_sum = block_sum(thread, loss_sum);
    hit_sum = block_sum(thread, hit_sum);
    if (thread.index() != 0) return;
    *loss = static_cast<float>(static_cast<double>(loss_scale) * loss_sum / static_cast<double>(rows));
    *hit_share = static_cast<float>(hit_sum / static_cast<double>(rows));
  }
};

struct CrossEntropyBackward {
  static constexpr const char* kName = "softmax_cross_entropy_backward";
  static constexpr int kWidth = kVector<float>;
  Labels labels;
  const float *dloss, *probabilities;
  float* dlogits;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const CrossEntropyTerms& terms = labels.terms;
    const float scale = static_cast<float>(static_cast<double>(*dloss) * terms.loss_scale * terms.logit_scale /
                                           static_cast<double>(terms.rows));
    const float smooth = terms.label_smoothing / static_cast<float>(terms.classes);
    const Values<N> p = load<N>(probabilities + at);
    std::int64_t row = at / terms.classes, k = at % terms.classes, label = labels.of(row);
    Values<N> out;
    GYRUS_UNROLL
    for (int i = 0; i < N; ++i) {
      const float target = k == label ? 1 - terms.label_smoothing + smooth : smooth;
      out.at[i] = label < 0 ? NAN : scale * (p.at[i] - target);
      if (++k < terms.classes) continue;
      k = 0;
      if (i + 1 < N) label = labels.of(++row);
    }
    store(dlogits + at, out);
  }
};

}  // namespace

std::int64_t softmax_cross_entropy_scratch_bytes(const SoftmaxCrossEntropyArgs& args) {
  return 2 * args.terms.rows * static_cast<std::int64_t>(sizeof(double));
}

void softmax_cross_entropy_forward(Stream stream, const SoftmaxCrossEntropyArgs& args) {
  const CrossEntropyTerms& terms = args.terms;
  auto* losses = static_cast<double*>(args.scratch);
  double* hits = losses + terms.rows;
  launch(stream, {terms.rows}, CrossEntropyRow{{args.labels, terms}, args.logits, args.probabilities, losses, hits});
  launch(stream, {1}, CrossEntropyMean{losses, hits, args.loss, args.hits, terms.rows, terms.loss_scale});
}

void softmax_cross_entropy_backward(Stream stream, const SoftmaxCrossEntropyBackwardArgs& args) {
  launch_flat(stream, args.terms.rows * args.terms.classes,
              CrossEntropyBackward{{args.labels, args.terms}, args.dloss, args.probabilities, args.dlogits});
}

}  // namespace gyrus::backend::cuda
