// The augmentation's kernels as a part of a step: one view of every slice, in the form that the network reads.
#pragma once

#include "backend/cuda/cuda_queue.h"
#include "backend/cuda/kernels/augment.h"

namespace gyrus::backend::cuda {

class AugmentViews final : public Kernel {
 public:
  AugmentViews(const CudaQueue& queue, const AugmentJob& job);
  std::int64_t scratch_bytes() const override { return augment_scratch_bytes(args_); }
  void bind(const KernelArgs& args) override { args_.scratch = args.scratch; }
  void run() override { augment_forward(stream_, args_); }

 private:
  Stream stream_;
  AugmentArgs args_;
};

}  // namespace gyrus::backend::cuda
