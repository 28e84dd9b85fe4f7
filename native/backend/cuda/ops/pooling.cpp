// Pooling over images.
#include "backend/cuda/kernels/global_avg_pool.h"
#include "backend/cuda/kernels/max_pool.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

// `y`: the shape of the pool's output.
MaxPoolGeometry max_pool_geometry(const NodeContext& node, const Shape& y) {
  const auto& attrs = node.attrs<graph::PoolAttrs>();
  MaxPoolGeometry geometry;
  geometry.images = y[0];
  geometry.height = attrs.input_height;
  geometry.width = attrs.input_width;
  geometry.channels = y[3];
  geometry.out_height = y[1];
  geometry.out_width = y[2];
  geometry.kernel = attrs.kernel;
  geometry.stride = attrs.stride;
  geometry.padding = attrs.padding;
  return geometry;
}

}  // namespace

LoweredKernel make_max_pool(const NodeContext& node) {
  MaxPoolArgs args;
  args.dtype = node.in_type(0).dtype;
  args.geometry = max_pool_geometry(node, node.out_shape(0));
  return {launch(node, args, max_pool_forward,
                 [](MaxPoolArgs& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.y = k.out[0];
                   a.index = static_cast<std::uint8_t*>(k.out[1]);
                 }),
          {}};
}

LoweredKernel make_max_pool_grad(const NodeContext& node) {
  MaxPoolBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.geometry = max_pool_geometry(node, node.in_shape(0));
  return {launch(node, args, max_pool_backward,
                 [](MaxPoolBackwardArgs& a, const KernelArgs& k) {
                   a.dy = k.in[0];
                   a.index = static_cast<const std::uint8_t*>(k.in[1]);
                   a.dx = k.out[0];
                 }),
          {}};
}

LoweredKernel make_global_avg_pool(const NodeContext& node) {
  const Shape& x = node.in_shape(0);
  GlobalAvgPoolArgs args;
  args.dtype = node.in_type(0).dtype;
  args.images = x[0];
  args.pixels = x[1] * x[2];
  args.channels = x[3];
  return {launch(node, args, global_avg_pool_forward,
                 [](GlobalAvgPoolArgs& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.y = k.out[0];
                 }),
          {}};
}

LoweredKernel make_global_avg_pool_grad(const NodeContext& node) {
  const Shape& dx = node.out_shape(0);
  GlobalAvgPoolBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.images = dx[0];
  args.pixels = dx[1] * dx[2];
  args.channels = dx[3];
  return {launch(node, args, global_avg_pool_backward,
                 [](GlobalAvgPoolBackwardArgs& a, const KernelArgs& k) {
                   a.dy = k.in[0];
                   a.dx = k.out[0];
                 }),
          {}};
}

}  // namespace gyrus::backend::cuda
