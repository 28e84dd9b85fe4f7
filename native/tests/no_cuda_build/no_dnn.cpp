// Where there are no headers of NVIDIA's: a cuDNN that has no kernel for anything.
#include "tests/cuda/emulator.h"
// The emulator must come first.
#include <utility>

#include "backend/cuda/dnn/conv2d.h"
#include "backend/cuda/dnn/conv2d_statistics.h"
#include "backend/cuda/dnn/dnn.h"

namespace gyrus::backend::cuda {
namespace {
const DnnChoice kNoDnn{nullptr, "there is no cuDNN on the host"};
}

Dnn::Dnn(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache)
    : queue_(std::move(queue)), cache_(std::move(cache)) {}
Dnn::~Dnn() = default;
const DnnChoice& Dnn::convolution(const ConvShape& /*shape*/) { return kNoDnn; }
const DnnChoice& Dnn::attention(const AttentionShape& /*shape*/) { return kNoDnn; }
const DnnChoice& Dnn::gelu(const GeluShape& /*shape*/) { return kNoDnn; }
std::optional<LoweredKernel> make_conv2d_batch_norm(const NodeContext& /*norm*/) { return std::nullopt; }
std::optional<LoweredKernel> make_summed_batch_norm(const NodeContext& /*norm*/, const BatchNormArgs& /*args*/,
                                                    // NOLINTNEXTLINE(performance-unnecessary-value-param): as declared
                                                    PlaceBatchNorm /*place*/) {
  return std::nullopt;
}
std::string batch_norm_refusal(const NodeContext& /*norm*/) { return ""; }

}  // namespace gyrus::backend::cuda
