// y = (x - mean) scale + shift by channel, plus a residual, through a relu: what batch_norm and batch_norm_inference
// end with. Reads x (and the residual), writes y: 2 or 3 A bytes an element, 2 to 4 operations. Subtracting the mean
// before scaling keeps full precision where |mean| is many times the deviation.
#pragma once

#include "backend/cuda/kernels/column_map.h"
#include "math/relu.h"

namespace gyrus::backend::cuda {

template <int N>
struct ChannelAffine {
  Values<N> mean, scale, shift;
};

// Statistics: inv_std(channel) of the normalisation.
template <class T, class InvStd, bool kHasResidual, bool kHasRelu>
struct BatchNormApply {
  static constexpr const char* kName = "batch_norm_apply";
  const T *x, *residual;
  const float *gamma, *beta, *mean;
  InvStd inv_std;
  T* y;

  template <int N>
  GYRUS_DEVICE ChannelAffine<N> tables(std::int64_t channel) const {
    const Values<N> centre = load<N>(mean + channel);
    const auto scale =
        make_values<N>([&](int i) { return inv_std(channel + i) * (gamma != nullptr ? gamma[channel + i] : 1.0F); });
    return {centre, scale, make_values<N>([&](int i) { return beta != nullptr ? beta[channel + i] : 0.0F; })};
  }
  template <int N>
  GYRUS_DEVICE void run(const ChannelAffine<N>& t, std::int64_t at) const {
    const Values<N> in = load<N>(x + at);
    auto out =
        make_values<N>([&](int i) { return Scalar::mul_add(in.at[i] - t.mean.at[i], t.scale.at[i], t.shift.at[i]); });
    if constexpr (kHasResidual) {
      const Values<N> add = load<N>(residual + at);
      out = make_values<N>([&](int i) { return out.at[i] + add.at[i]; });
    }
    if constexpr (kHasRelu) out = make_values<N>([&](int i) { return math::relu<Scalar>(out.at[i]); });
    store(y + at, out);
  }
};

// Args: BatchNormArgs or BatchNormInferenceArgs.
template <class Args, class InvStd>
void launch_batch_norm_apply(Stream stream, const Args& args, const float* mean, const InvStd& inv_std) {
  for_dtype(args.dtype, [&]<class T>(T) {
    const auto launch_as = [&]<bool kHasResidual, bool kHasRelu>() {
      using Body = BatchNormApply<T, InvStd, kHasResidual, kHasRelu>;
      launch_column_map<T>(stream, args.rows, args.channels,
                           Body{static_cast<const T*>(args.x), static_cast<const T*>(args.residual), args.gamma,
                                args.beta, mean, inv_std, static_cast<T*>(args.y)});
    };
    if (args.residual != nullptr) {
      args.has_relu ? launch_as.template operator()<true, true>() : launch_as.template operator()<true, false>();
    } else {
      args.has_relu ? launch_as.template operator()<false, true>() : launch_as.template operator()<false, false>();
    }
  });
}

}  // namespace gyrus::backend::cuda
