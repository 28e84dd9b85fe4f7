#include "tests/cuda_build/host_dnn_names.h"
// The names first, then NVIDIA's headers, which must not see the emulator's macros.
#include <cudnn.h>

#include "backend/cuda_libraries.h"
#include "tests/cuda/emulator.h"

// The host's cuDNN is always there.
namespace gyrus::backend {
inline const LibrarySearch& find_host_library(CudaLibrary /*library*/) {
  static const LibrarySearch kFound{"cuDNN on the host", "the host", "", {}};
  return kFound;
}
}  // namespace gyrus::backend
#define find_cuda_library find_host_library
// This order.
#include "backend/cuda/dnn/dnn.cpp"
