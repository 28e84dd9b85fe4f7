// The contrastive and the supervised losses.
#include "backend/cuda/kernels/soft_cross_entropy.h"
#include "backend/cuda/kernels/softmax_cross_entropy.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

// `scores`: [N, K].
CrossEntropyTerms cross_entropy_terms(const NodeContext& node, const Shape& scores) {
  const auto& attrs = node.attrs<graph::CrossEntropyAttrs>();
  CrossEntropyTerms terms;
  terms.rows = scores[0];
  terms.classes = scores[1];
  terms.diagonal_offset = attrs.diagonal_offset;
  terms.logit_scale = attrs.logit_scale;
  terms.loss_scale = attrs.loss_scale;
  terms.label_smoothing = attrs.label_smoothing;
  terms.excludes_self = attrs.excludes_self;
  return terms;
}

const std::int32_t* labels(const void* pointer) { return static_cast<const std::int32_t*>(pointer); }

}  // namespace

LoweredKernel make_softmax_cross_entropy(const NodeContext& node) {
  const bool has_labels = !node.attrs<graph::CrossEntropyAttrs>().labels_are_diagonal;
  SoftmaxCrossEntropyArgs args;
  args.terms = cross_entropy_terms(node, node.in_shape(0));
  const auto place = [has_labels](SoftmaxCrossEntropyArgs& a, const KernelArgs& k) {
    a.logits = floats(k.in[0]);
    if (has_labels) a.labels = labels(k.in[1]);
    a.loss = floats(k.out[0]);
    a.probabilities = floats(k.out[1]);
    a.hits = floats(k.out[2]);
    a.scratch = k.scratch;
  };
  return {launch(node, args, softmax_cross_entropy_forward, place, softmax_cross_entropy_scratch_bytes(args)), {}};
}

LoweredKernel make_softmax_cross_entropy_grad(const NodeContext& node) {
  const bool has_labels = !node.attrs<graph::CrossEntropyAttrs>().labels_are_diagonal;
  SoftmaxCrossEntropyBackwardArgs args;
  args.terms = cross_entropy_terms(node, node.in_shape(1));
  const auto place = [has_labels](SoftmaxCrossEntropyBackwardArgs& a, const KernelArgs& k) {
    a.dloss = floats(k.in[0]);
    a.probabilities = floats(k.in[1]);
    if (has_labels) a.labels = labels(k.in[2]);
    a.dlogits = floats(k.out[0]);
  };
  return {launch(node, args, softmax_cross_entropy_backward, place), {}};
}

LoweredKernel make_soft_cross_entropy(const NodeContext& node) {
  SoftCrossEntropyArgs args;
  args.rows = node.in_shape(0)[0];
  args.classes = node.in_shape(0)[1];
  const auto place = [](SoftCrossEntropyArgs& a, const KernelArgs& k) {
    a.logits = floats(k.in[0]);
    a.targets = floats(k.in[1]);
    a.loss = floats(k.out[0]);
    a.probabilities = floats(k.out[1]);
    a.scratch = k.scratch;
  };
  return {launch(node, args, soft_cross_entropy_forward, place, soft_cross_entropy_scratch_bytes(args)), {}};
}

LoweredKernel make_soft_cross_entropy_grad(const NodeContext& node) {
  SoftCrossEntropyBackwardArgs args;
  args.rows = node.in_shape(1)[0];
  args.classes = node.in_shape(1)[1];
  return {launch(node, args, soft_cross_entropy_backward,
                 [](SoftCrossEntropyBackwardArgs& a, const KernelArgs& k) {
                   a.dloss = floats(k.in[0]);
                   a.probabilities = floats(k.in[1]);
                   a.targets = floats(k.in[2]);
                   a.dlogits = floats(k.out[0]);
                 }),
          {}};
}

}  // namespace gyrus::backend::cuda
