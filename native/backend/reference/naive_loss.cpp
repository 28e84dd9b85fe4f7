// l2_normalize, softmax_cross_entropy and soft_cross_entropy with their gradients.
//
// Cross-entropy with smoothing e over K classes has the target q = (1-e) onehot + e/K. With p = softmax(s z):
//   loss = loss_scale/N sum_i sum_k -q_ik log p_ik;   dloss/dz_ik = loss_scale logit_scale/N (p_ik - q_ik).
#include <algorithm>
#include <cmath>

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {
namespace {

// The label of row `row`: given, or on the diagonal. Throws Code::invalid_argument for a class that does not exist.
std::int64_t label_of(const graph::CrossEntropyAttrs& attrs, const Tensor* labels, std::int64_t row,
                      std::int64_t classes) {
  const std::int64_t label = attrs.labels_are_diagonal ? (row + attrs.diagonal_offset) % classes : labels->label(row);
  GYRUS_CHECK(label >= 0 && label < classes, Code::invalid_argument, "softmax_cross_entropy: row ", row,
              " has the label ", label, "; there are ", classes, " classes, so it must be in [0, ", classes, ")");
  return label;
}

}  // namespace

void l2_normalize(const Call& call) {
  const Tensor &x = call.in[0], &y = call.out[0], &inv_norm = call.out[1];
  const double eps = call.attrs_as<graph::L2NormalizeAttrs>().eps;
  const std::int64_t width = x.back();
  for (std::int64_t row = 0; row < x.rows(); ++row) {
    double squares = 0;
    for (std::int64_t i = 0; i < width; ++i) squares += x[row * width + i] * x[row * width + i];
    inv_norm[row] = 1 / std::max(std::sqrt(squares), eps);
    for (std::int64_t i = 0; i < width; ++i) y[row * width + i] = x[row * width + i] * inv_norm[row];
  }
}

void l2_normalize_grad(const Call& call) {
  const Tensor &dy = call.in[0], &y = call.in[1], &inv_norm = call.in[2], &dx = call.out[0];
  const std::int64_t width = dy.back();
  for (std::int64_t row = 0; row < dy.rows(); ++row) {
    double along = 0;
    for (std::int64_t i = 0; i < width; ++i) along += y[row * width + i] * dy[row * width + i];
    for (std::int64_t i = 0; i < width; ++i)
      dx[row * width + i] = inv_norm[row] * (dy[row * width + i] - y[row * width + i] * along);
  }
}

void softmax_cross_entropy(const Call& call) {
  const auto& attrs = call.attrs_as<graph::CrossEntropyAttrs>();
  const Tensor &logits = call.in[0], &loss = call.out[0], &probabilities = call.out[1], &hits = call.out[2];
  const std::int64_t rows = logits.rows(), classes = logits.back();
  const double smoothing = attrs.label_smoothing, scale = attrs.logit_scale;
  double total = 0, hit_count = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double* z = &logits[row * classes];
    const auto is_class = [&](std::int64_t k) { return !attrs.excludes_self || k != row; };
    const std::int64_t label = label_of(attrs, call.in.size() > 1 ? &call.in[1] : nullptr, row, classes);
    double largest = z[label], sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) {
      if (is_class(k)) largest = std::max(largest, z[k]);
    }
    for (std::int64_t k = 0; k < classes; ++k) {
      if (is_class(k)) sum += std::exp(scale * (z[k] - largest));
    }
    for (std::int64_t k = 0; k < classes; ++k) {
      if (!is_class(k)) {
        probabilities[row * classes + k] = 0;
        continue;
      }
      const double log_probability = scale * (z[k] - largest) - std::log(sum);
      const double target = (k == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
      probabilities[row * classes + k] = std::exp(log_probability);
      if (target != 0) total -= target * log_probability;
    }
    if (z[label] >= largest) ++hit_count;
  }
  loss[0] = attrs.loss_scale * total / static_cast<double>(rows);
  hits[0] = hit_count / static_cast<double>(rows);
}

void softmax_cross_entropy_grad(const Call& call) {
  const auto& attrs = call.attrs_as<graph::CrossEntropyAttrs>();
  const Tensor &dloss = call.in[0], &probabilities = call.in[1], &dlogits = call.out[0];
  const std::int64_t rows = probabilities.rows(), classes = probabilities.back();
  const double smoothing = attrs.label_smoothing;
  const double scale = dloss[0] * attrs.loss_scale * attrs.logit_scale / static_cast<double>(rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t label = label_of(attrs, call.in.size() > 2 ? &call.in[2] : nullptr, row, classes);
    for (std::int64_t k = 0; k < classes; ++k) {
      const double target = (k == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
      dlogits[row * classes + k] = scale * (probabilities[row * classes + k] - target);
    }
  }
}

// Every row's targets t are its own: loss = -sum_ik t_ik log p_ik; dz_ik = dloss (p_ik sum_k t_ik - t_ik). Where a
// target is zero its logit may be minus infinity.
void soft_cross_entropy(const Call& call) {
  const Tensor &logits = call.in[0], &targets = call.in[1], &loss = call.out[0], &probabilities = call.out[1];
  const std::int64_t classes = logits.back();
  double total = 0;
  for (std::int64_t row = 0; row < logits.rows(); ++row) {
    const double* z = &logits[row * classes];
    const double largest = *std::max_element(z, z + classes);
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(z[k] - largest);
    for (std::int64_t k = 0; k < classes; ++k) {
      const double log_probability = z[k] - largest - std::log(sum), target = targets[row * classes + k];
      probabilities[row * classes + k] = std::exp(log_probability);
      if (target != 0) total -= target * log_probability;
    }
  }
  loss[0] = total;
}

void soft_cross_entropy_grad(const Call& call) {
  const Tensor &dloss = call.in[0], &probabilities = call.in[1], &targets = call.in[2], &dlogits = call.out[0];
  const std::int64_t classes = probabilities.back();
  for (std::int64_t row = 0; row < probabilities.rows(); ++row) {
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += targets[row * classes + k];
    for (std::int64_t k = 0; k < classes; ++k) {
      const std::int64_t at = row * classes + k;
      dlogits[at] = dloss[0] * (sum * probabilities[at] - targets[at]);
    }
  }
}

}  // namespace gyrus::backend::reference
