// What is done to every element by itself.
#include "backend/cuda/kernels/add.h"
#include "backend/cuda/kernels/cast.h"
#include "backend/cuda/kernels/fill.h"
#include "backend/cuda/kernels/gelu.h"
#include "backend/cuda/kernels/relu.h"
#include "backend/cuda/kernels/scale_rows.h"
#include "backend/cuda/kernels/to_channels_last.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

// x -> y of one type.
template <class Args>
LoweredKernel map(const NodeContext& node, void (*start)(Stream, const Args&)) {
  Args args;
  args.dtype = node.in_type(0).dtype;
  args.count = node.in_shape(0).elements();
  return {launch(node, args, start,
                 [](Args& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.y = k.out[0];
                 }),
          {}};
}

}  // namespace

LoweredKernel make_to_channels_last(const NodeContext& node) {
  const Shape& x = node.in_shape(0);
  ToChannelsLastArgs args;
  args.dtype = node.out_type(0).dtype;
  args.images = x[0];
  args.channels = x[1];
  args.pixels = x[2] * x[3];
  return {launch(node, args, to_channels_last_forward,
                 [](ToChannelsLastArgs& a, const KernelArgs& k) {
                   a.x = floats(k.in[0]);
                   a.y = k.out[0];
                 }),
          {}};
}

LoweredKernel make_cast(const NodeContext& node) {
  CastArgs args;
  args.x_dtype = node.in_type(0).dtype;
  args.y_dtype = node.out_type(0).dtype;
  args.count = node.in_shape(0).elements();
  return {launch(node, args, cast_forward,
                 [](CastArgs& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.y = k.out[0];
                 }),
          {}};
}

LoweredKernel make_fill(const NodeContext& node) {
  FillArgs args;
  args.value = node.attrs<graph::FillAttrs>().value;
  args.count = node.out_shape(0).elements();
  return {launch(node, args, fill_forward, [](FillArgs& a, const KernelArgs& k) { a.y = floats(k.out[0]); }), {}};
}

LoweredKernel make_relu(const NodeContext& node) { return map<ReluArgs>(node, relu_forward); }

LoweredKernel make_relu_grad(const NodeContext& node) {
  ReluBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.count = node.in_shape(0).elements();
  return {launch(node, args, relu_backward,
                 [](ReluBackwardArgs& a, const KernelArgs& k) {
                   a.dy = k.in[0];
                   a.y = k.in[1];
                   a.dx = k.out[0];
                 }),
          {}};
}

LoweredKernel make_gelu(const NodeContext& node) { return map<GeluArgs>(node, gelu_forward); }

LoweredKernel make_gelu_grad(const NodeContext& node) {
  GeluBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.count = node.in_shape(0).elements();
  return {launch(node, args, gelu_backward,
                 [](GeluBackwardArgs& a, const KernelArgs& k) {
                   a.dy = k.in[0];
                   a.x = k.in[1];
                   a.dx = k.out[0];
                 }),
          {}};
}

LoweredKernel make_add(const NodeContext& node) {
  AddArgs args;
  args.a_dtype = node.in_type(0).dtype;
  args.b_dtype = node.in_type(1).dtype;
  args.count = node.out_shape(0).elements();
  return {launch(node, args, add_forward,
                 [](AddArgs& a, const KernelArgs& k) {
                   a.a = k.in[0];
                   a.b = k.in[1];
                   a.sum = k.out[0];
                 }),
          {}};
}

LoweredKernel make_scale_rows(const NodeContext& node) {
  const Shape& x = node.in_shape(0);
  ScaleRowsArgs args;
  args.dtype = node.in_type(0).dtype;
  args.rows = x[0];
  args.width = x.elements() / x[0];
  const std::int64_t first = node.attrs<graph::RowScaleAttrs>().branch * args.rows;
  return {launch(node, args, scale_rows_forward,
                 [first](ScaleRowsArgs& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.factors = floats(k.in[1]) + first;
                   a.y = k.out[0];
                 }),
          {}};
}

}  // namespace gyrus::backend::cuda
