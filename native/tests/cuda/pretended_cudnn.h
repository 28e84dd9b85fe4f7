// A cuDNN whose attention is plain loops, and as slow as a test wants it: for what the CUDA backend makes of its plans,
// and of the time that they take. Include tests/cuda/emulator.h first.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>

#include "backend/cuda/dnn/dnn.h"

namespace gyrus::tests {

// While it lives, emulated backends that are made find this cuDNN, and keep choices in GYRUS_CUDA_CACHE. One at a time.
class PretendedCudnn {
 public:
  // `most_bytes`: of one block of emulated device memory.
  explicit PretendedCudnn(std::chrono::milliseconds each_run,
                          std::int64_t most_bytes = std::numeric_limits<std::int64_t>::max());
  ~PretendedCudnn();
  PretendedCudnn(const PretendedCudnn&) = delete;
  PretendedCudnn& operator=(const PretendedCudnn&) = delete;

  static bool is_there();
  static std::int64_t most_bytes();
  // How often a plan ran.
  int runs() const { return runs_; }
  void count_run() { ++runs_; }
  std::chrono::milliseconds each_run() const { return each_run_; }

 private:
  std::chrono::milliseconds each_run_;
  std::int64_t most_bytes_;
  int runs_ = 0;
};

// Of what an emulated backend asks: pretended while it is there, else what the build has.
std::shared_ptr<backend::cuda::Dnn> make_dnn(std::shared_ptr<backend::cuda::CudaQueue> queue,
                                             std::shared_ptr<backend::cuda::PlanCache> cache);

}  // namespace gyrus::tests
