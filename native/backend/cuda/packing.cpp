#include "backend/cuda/packing.h"

#include "backend/cuda/kernels/cast.h"
#include "backend/cuda/kernels/pack_weights.h"
#include "backend/cuda/launch.h"

namespace gyrus::backend::cuda {

std::optional<PackRequest> request_cast(const NodeContext& node, std::size_t input, DType dtype) {
  const graph::ValueType& type = node.in_type(input);
  if (type.dtype == dtype) return std::nullopt;
  CastArgs args;
  args.x_dtype = type.dtype;
  args.y_dtype = dtype;
  args.count = type.shape.elements();
  const auto make = [args, cuda = node.cuda]() -> std::unique_ptr<Kernel> {
    const auto place = [](CastArgs& a, const KernelArgs& k) {
      a.x = k.in[0];
      a.y = k.out[0];
    };
    return std::make_unique<Launch<CastArgs>>(cuda, args, cast_forward, place, 0);
  };
  return PackRequest{input, std::string(name_of(dtype)), args.count * size_of(dtype), make};
}

PackRequest request_channels_last(const NodeContext& node, std::size_t input, DType dtype) {
  const Shape& w = node.in_shape(input);
  PackWeightsArgs args;
  args.dtype = dtype;
  args.out_channels = w[0];
  args.in_channels = w[1];
  args.window = w[2] * w[3];
  const auto make = [args, cuda = node.cuda]() -> std::unique_ptr<Kernel> {
    const auto place = [](PackWeightsArgs& a, const KernelArgs& k) {
      a.masters = floats(static_cast<const void*>(k.in[0]));
      a.packed = k.out[0];
    };
    return std::make_unique<Launch<PackWeightsArgs>>(cuda, args, pack_weights, place, 0);
  };
  return {input, text("channels last ", name_of(dtype)), w.elements() * size_of(dtype), make};
}

}  // namespace gyrus::backend::cuda
