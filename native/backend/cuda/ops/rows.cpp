// What works on rows: layer norm, normalisation to length one, sums over all rows.
#include "backend/cuda/kernels/l2_normalize.h"
#include "backend/cuda/kernels/layer_norm.h"
#include "backend/cuda/kernels/sum_rows.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {

LoweredKernel make_layer_norm(const NodeContext& node) {
  const auto& attrs = node.attrs<graph::LayerNormAttrs>();
  const bool has_residual = attrs.has_residual;
  LayerNormArgs args;
  args.x_dtype = node.in_type(0).dtype;
  args.residual_dtype = node.in_type(has_residual ? 3 : 0).dtype;
  args.y_dtype = node.out_type(0).dtype;
  args.rows = node.in_shape(0).rows();
  args.width = node.in_shape(0).back();
  args.eps = attrs.eps;
  const auto place = [has_residual](LayerNormArgs& a, const KernelArgs& k) {
    a.x = k.in[0];
    a.gamma = floats(k.in[1]);
    a.beta = floats(k.in[2]);
    a.y = k.out[0];
    a.mean = floats(k.out[1]);
    a.inv_std = floats(k.out[2]);
    if (has_residual) {
      a.residual = k.in[3];
      a.sum = k.out[3];
    }
  };
  return {launch(node, args, layer_norm_forward, place), {}};
}

LoweredKernel make_layer_norm_grad(const NodeContext& node) {
  const auto& attrs = node.attrs<graph::LayerNormAttrs>();
  LayerNormBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.x_dtype = node.in_type(1).dtype;
  args.rows = node.in_shape(0).rows();
  args.width = node.in_shape(0).back();
  const auto place = [attrs](LayerNormBackwardArgs& a, const KernelArgs& k) {
    a.dy = k.in[0];
    a.x = k.in[1];
    a.gamma = floats(k.in[2]);
    a.mean = floats(k.in[3]);
    a.inv_std = floats(k.in[4]);
    if (attrs.has_addend) a.addend = k.in[5];
    if (attrs.has_rounded) a.rounded = k.out[3];
    a.dx = k.out[0];
    a.dgamma = floats(k.out[1]);
    a.dbeta = floats(k.out[2]);
    a.scratch = k.scratch;
  };
  return {launch(node, args, layer_norm_backward, place, layer_norm_backward_scratch_bytes(args)), {}};
}

LoweredKernel make_l2_normalize(const NodeContext& node) {
  L2NormalizeArgs args;
  args.dtype = node.in_type(0).dtype;
  args.rows = node.in_shape(0)[0];
  args.width = node.in_shape(0)[1];
  args.eps = node.attrs<graph::L2NormalizeAttrs>().eps;
  return {launch(node, args, l2_normalize_forward,
                 [](L2NormalizeArgs& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.y = floats(k.out[0]);
                   a.inv_norm = floats(k.out[1]);
                 }),
          {}};
}

LoweredKernel make_l2_normalize_grad(const NodeContext& node) {
  L2NormalizeBackwardArgs args;
  args.dtype = node.out_type(0).dtype;
  args.rows = node.in_shape(0)[0];
  args.width = node.in_shape(0)[1];
  return {launch(node, args, l2_normalize_backward,
                 [](L2NormalizeBackwardArgs& a, const KernelArgs& k) {
                   a.dy = floats(k.in[0]);
                   a.y = floats(k.in[1]);
                   a.inv_norm = floats(k.in[2]);
                   a.dx = k.out[0];
                 }),
          {}};
}

LoweredKernel make_sum_rows(const NodeContext& node) {
  SumRowsArgs args;
  args.dtype = node.in_type(0).dtype;
  args.rows = node.in_shape(0).rows();
  args.channels = node.in_shape(0).back();
  const auto place = [](SumRowsArgs& a, const KernelArgs& k) {
    a.x = k.in[0];
    a.sums = floats(k.out[0]);
    a.scratch = k.scratch;
  };
  return {launch(node, args, sum_rows_forward, place, sum_rows_scratch_bytes(args)), {}};
}

}  // namespace gyrus::backend::cuda
