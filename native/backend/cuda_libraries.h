// NVIDIA's libraries, opened at run time: one binary serves machines with and without a GPU. Where each was looked for
// is kept, for error messages and for `gyrus doctor`. Compiled into every build, with and without the CUDA backend.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gyrus::backend {

// nccl: for several GPUs, which nothing uses yet; it is looked for so that `gyrus doctor` can say whether it is there.
enum class CudaLibrary : std::uint8_t { driver, cublas_lt, cudnn, nccl };

struct LibrarySearch {
  std::string name;                   // "libcudnn.so.9"
  std::string path;                   // the file that was opened; "" when none could be
  std::string problem;                // why not: what the loader says, and what is wrong with files that do load
  std::vector<std::string> searched;  // in order; "the loader's own places" is LD_LIBRARY_PATH and the system's cache
};

// Opens the first file that loads and will do (a cuDNN that is too old, or another CUDA's, is passed over) on the first
// call, and keeps it for the life of the process, as its own threads may outlive any
// object here. Any thread.
const LibrarySearch& find_cuda_library(CudaLibrary library);
// A function of the library, or nullptr when the library or the function is not there.
void* cuda_function(CudaLibrary library, const char* name);

// All, in the order above.
std::vector<LibrarySearch> examine_cuda_libraries();

// "libcudnn.so.9 was not found (…); looked in: …".
std::string describe_missing(const LibrarySearch& search);

}  // namespace gyrus::backend
