// fold_weights: reads 4, writes A bytes an element, in pack_weights' order; fold_bias: some bytes a channel.
#include "backend/cuda/kernels/fold_batch_norm.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

GYRUS_DEVICE float fold_scale(const float* gamma, const float* var, float eps, std::int64_t channel) {
  return (gamma != nullptr ? gamma[channel] : 1.0F) / Scalar::sqrt(var[channel] + eps);
}

template <class T>
struct FoldWeights {
  static constexpr const char* kName = "fold_weights";
  static constexpr int kWidth = 1;
  FoldWeightsArgs args;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t in = at % args.in_channels, line = at / args.in_channels;
    const std::int64_t position = line % args.window, out = line / args.window;
    const float weight = args.masters[(out * args.in_channels + in) * args.window + position];
    set_rounded(static_cast<T*>(args.packed)[at], weight * fold_scale(args.gamma, args.var, args.eps, out));
  }
};

template <class T>
struct FoldBias {
  static constexpr const char* kName = "fold_bias";
  static constexpr int kWidth = 1;
  FoldBiasArgs args;

  template <int>
  GYRUS_DEVICE void run(std::int64_t channel) const {
    const float scale = fold_scale(args.gamma, args.var, args.eps, channel);
    const float beta = args.beta != nullptr ? args.beta[channel] : 0.0F;
    set_rounded(static_cast<T*>(args.bias)[channel], Scalar::mul_add(-args.mean[channel], scale, beta));
  }
};

}  // namespace

void fold_weights(Stream stream, const FoldWeightsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.out_channels * args.in_channels * args.window, FoldWeights<T>{args});
  });
}

void fold_bias(Stream stream, const FoldBiasArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) { launch_flat(stream, args.channels, FoldBias<T>{args}); });
}

}  // namespace gyrus::backend::cuda
