#include "backend/cuda/augment_views.h"

namespace gyrus::backend::cuda {

AugmentViews::AugmentViews(const CudaQueue& queue, const AugmentJob& job) : stream_(queue.stream()) {
  args_.slices = job.slices;
  args_.plans = job.plans;
  args_.out = job.out;
  args_.dtype = job.dtype;
  args_.views = job.images;
  args_.channels = job.channels;
  args_.source_size = job.source_size;
  args_.size = job.size;
  args_.mean = job.mean;
  args_.std = job.std;
}

}  // namespace gyrus::backend::cuda
