// Which optional operands a batch norm has, and in which order they come: graph/ops/batch_norm.cpp.
#include "backend/cuda/kernels/batch_norm.h"

#include "backend/cuda/dnn/conv2d.h"
#include "backend/cuda/dnn/conv2d_statistics.h"
#include "backend/cuda/kernels/batch_norm_inference.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {

LoweredKernel make_batch_norm(const NodeContext& node) {
  const auto attrs = node.attrs<graph::BatchNormAttrs>();
  BatchNormArgs args;
  args.dtype = node.in_type(0).dtype;
  args.rows = node.in_shape(0).rows();
  args.channels = node.in_shape(0).back();
  args.eps = attrs.eps;
  args.momentum = attrs.momentum;
  args.has_relu = attrs.has_relu;
  const auto place = [attrs](BatchNormArgs& a, const KernelArgs& k) {
    std::size_t next = 0;
    a.x = k.in[next++];
    if (attrs.has_affine) {
      a.gamma = floats(k.in[next++]);
      a.beta = floats(k.in[next++]);
    }
    if (attrs.has_running) {
      a.running_mean = floats(k.in[next++]);
      a.running_var = floats(k.in[next++]);
    }
    if (attrs.has_residual) a.residual = k.in[next++];
    a.y = k.out[0];
    a.mean = floats(k.out[1]);
    a.inv_std = floats(k.out[2]);
    a.scratch = k.scratch;
  };
  if (auto summed = make_summed_batch_norm(node, args, place)) return std::move(*summed);
  return {launch(node, args, batch_norm_forward, place, batch_norm_scratch_bytes(args)), {}};
}

LoweredKernel make_batch_norm_grad(const NodeContext& node) {
  const auto attrs = node.attrs<graph::BatchNormAttrs>();
  BatchNormBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.rows = node.in_shape(0).rows();
  args.channels = node.in_shape(0).back();
  const auto place = [attrs](BatchNormBackwardArgs& a, const KernelArgs& k) {
    std::size_t next = 0;
    a.dy = k.in[next++];
    if (attrs.has_addend) a.addend = k.in[next++];
    a.x = k.in[next++];
    if (attrs.has_affine) a.gamma = floats(k.in[next++]);
    a.mean = floats(k.in[next++]);
    a.inv_std = floats(k.in[next++]);
    if (attrs.has_relu) a.y = k.in[next++];
    next = 0;
    a.dx = k.out[next++];
    if (attrs.has_affine) {
      a.dgamma = floats(k.out[next++]);
      a.dbeta = floats(k.out[next++]);
    }
    if (attrs.has_residual) a.d_residual = k.out[next++];
    a.scratch = k.scratch;
  };
  return {launch(node, args, batch_norm_backward, place, batch_norm_backward_scratch_bytes(args)), {}};
}

LoweredKernel make_batch_norm_inference(const NodeContext& node) {
  if (auto fused = make_conv2d_batch_norm(node)) return std::move(*fused);
  const auto attrs = node.attrs<graph::BatchNormAttrs>();
  BatchNormInferenceArgs args;
  args.dtype = node.in_type(0).dtype;
  args.rows = node.in_shape(0).rows();
  args.channels = node.in_shape(0).back();
  args.eps = attrs.eps;
  args.has_relu = attrs.has_relu;
  const auto place = [attrs](BatchNormInferenceArgs& a, const KernelArgs& k) {
    std::size_t next = 0;
    a.x = k.in[next++];
    if (attrs.has_affine) {
      a.gamma = floats(k.in[next++]);
      a.beta = floats(k.in[next++]);
    }
    a.running_mean = floats(k.in[next++]);
    a.running_var = floats(k.in[next++]);
    if (attrs.has_residual) a.residual = k.in[next++];
    a.y = k.out[0];
  };
  LoweredKernel lowered{launch(node, args, batch_norm_inference_forward, place), {}};
  if (std::string refusal = batch_norm_refusal(node); !refusal.empty()) lowered.way = {"own", std::move(refusal), true};
  return lowered;
}

}  // namespace gyrus::backend::cuda
