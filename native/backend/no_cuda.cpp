// Stands in for cuda/ in a build without it: the same function, which says so.
#include "backend/backend.h"
#include "core/error.h"

namespace gyrus::backend {

bool is_cuda_compiled() noexcept { return false; }

std::unique_ptr<Backend> make_cuda_backend() {
  throw Error(Code::cuda_unavailable,
              "this build of gyrus has no CUDA backend: build it with `scripts/setup cuda` and GYRUS_CUDA=1, or use "
              "device: 'cpu' or 'auto'");
}

}  // namespace gyrus::backend
