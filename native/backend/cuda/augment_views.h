// The augmentation's kernels as the first part of a step: two views of every slice, one after the other, in one scratch
// memory.
#pragma once

#include <array>
#include <memory>

#include "backend/cuda/cuda_queue.h"
#include "backend/cuda/kernels/augment.h"

namespace gyrus::backend::cuda {

class AugmentViews final : public Kernel {
 public:
  AugmentViews(CudaQueue& queue, const AugmentJob& job);
  void bind(const KernelArgs&) override {}
  void run() override;

 private:
  Stream stream_;
  std::array<AugmentArgs, 2> views_;
  std::shared_ptr<void> scratch_;
};

}  // namespace gyrus::backend::cuda
