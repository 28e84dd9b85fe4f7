// batch_norm_inference: batch_norm_apply.h with the running statistics.
#include "backend/cuda/kernels/batch_norm_inference.h"

#include "backend/cuda/kernels/batch_norm_apply.h"

namespace gyrus::backend::cuda {
namespace {

struct RunningInvStd {
  const float* var;
  float eps;
  GYRUS_DEVICE float operator()(std::int64_t channel) const { return 1 / Scalar::sqrt(var[channel] + eps); }
};

}  // namespace

void batch_norm_inference_forward(Stream stream, const BatchNormInferenceArgs& args) {
  launch_batch_norm_apply(stream, args, args.running_mean, RunningInvStd{args.running_var, args.eps});
}

}  // namespace gyrus::backend::cuda
