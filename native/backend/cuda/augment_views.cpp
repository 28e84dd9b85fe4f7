#include "backend/cuda/augment_views.h"

namespace gyrus::backend::cuda {

AugmentViews::AugmentViews(CudaQueue& queue, const AugmentJob& job) : stream_(queue.stream()) {
  for (std::size_t view = 0; view < views_.size(); ++view) {
    AugmentArgs& args = views_[view];
    args.slices = job.slices;
    args.plans = job.plans[view];
    args.out = job.out[view];
    args.views = job.images;
    args.channels = job.channels;
    args.source_size = job.source_size;
    args.size = job.size;
    args.mean = job.mean;
    args.std = job.std;
  }
  scratch_ = queue.allocate(augment_scratch_bytes(views_[0]), MemoryKind::device);
  for (AugmentArgs& args : views_) args.scratch = scratch_.get();
}

void AugmentViews::run() {
  for (const AugmentArgs& args : views_) augment_forward(stream_, args);
}

}  // namespace gyrus::backend::cuda
