// Whether cuDNN's attention or our own on tensor cores is the faster for a shape: timed once, forward and gradient
// together, and kept like every other choice, so that equal steps are computed alike in every process.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "backend/cuda/dnn/dnn.h"

namespace gyrus::backend::cuda {

class AttentionChoices {
 public:
  AttentionChoices(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache);

  struct Choice {
    bool is_own = false;
    bool is_timed = false;  // now, or when the cache was filled
    std::string why;
  };
  // Of bf16, for whose head width there is a kernel of our own; `forward` and `gradient` are cuDNN's plans. Where
  // nothing is known of the shape, takes device memory for the operands of both, times both there, and gives it back.
  // Where there is not so much, cuDNN's is taken. `shape.is_gradient` is of no concern.
  const Choice& choose(AttentionShape shape, DnnPlan& forward, DnnPlan& gradient);

 private:
  Choice find(const AttentionShape& shape, DnnPlan& forward, DnnPlan& gradient);

  std::shared_ptr<CudaQueue> queue_;
  std::shared_ptr<PlanCache> cache_;
  std::map<AttentionShape, Choice> choices_;
};

// Operands of cuDNN's plans, in the order that dnn.h gives, from the arrays that hold them.
struct AttentionArrays {
  void *qkv = nullptr, *y = nullptr, *stats = nullptr, *dy = nullptr, *dqkv = nullptr;
};
constexpr std::size_t kAttentionOperands = 5, kAttentionGradientOperands = 9;
std::array<void*, kAttentionOperands> attention_operands(const AttentionShape& shape, const AttentionArrays& arrays);
std::array<void*, kAttentionGradientOperands> attention_gradient_operands(const AttentionShape& shape,
                                                                          const AttentionArrays& arrays);

}  // namespace gyrus::backend::cuda
