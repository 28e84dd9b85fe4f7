// Kernels over flat arrays: element i of what is written depends on element i of what is read alone.
#pragma once

#include "backend/cuda/kernels/device.h"

namespace gyrus::backend::cuda {

// Body: kName, kWidth (elements that a thread does at once) and run<N>(at), which does elements [at, at + N).
// One access of 16 bytes an array and thread keeps 32 KB a multiprocessor in flight, twice what hides DRAM's latency.
template <class Body>
struct FlatKernel {
  static constexpr const char* kName = Body::kName;
  static constexpr int kThreads = 256;
  static constexpr bool kIsCooperative = false;

  Body body;
  std::int64_t count;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const std::int64_t at = (thread.block() * kThreads + thread.index()) * Body::kWidth;
    if (at + Body::kWidth <= count) {
      body.template run<Body::kWidth>(at);
    } else {
      for (std::int64_t i = at; i < count; ++i) body.template run<1>(i);
    }
  }
};

template <class Body>
void launch_flat(Stream stream, std::int64_t count, const Body& body) {
  using Kernel = FlatKernel<Body>;
  launch(stream, {divide_up(count, std::int64_t{Kernel::kThreads} * Body::kWidth)}, Kernel{body, count});
}

}  // namespace gyrus::backend::cuda
