// One block of threads over one chunk of the arenas. Not for the headers of launchers: it holds device code.
#pragma once

#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/sweep.h"

namespace gyrus::backend::cuda {

// Body: kName; prepare(thread, chunk, hyper) makes what is the same for the whole chunk, and all threads call it;
// run<N>(state, at) returns the new parameters [at, at + N) and has written the slots.
template <class Body>
struct SweepKernel {
  static constexpr const char* kName = Body::kName;
  static constexpr int kThreads = 256;
  static constexpr bool kIsCooperative = true;

  Body body;
  SweepArgs args;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    if (args.hyper->may_update == 0) return;
    constexpr int kWidth = kVector<float>;
    const SweepChunk chunk = args.chunks[thread.block()];
    const auto state = body.prepare(thread, chunk, *args.hyper);
    for (std::int64_t i = std::int64_t{thread.index()} * kWidth; i < chunk.count; i += kThreads * kWidth) {
      if (i + kWidth <= chunk.count) {
        update<kWidth>(state, chunk.offset + i);
      } else {
        for (std::int64_t rest = i; rest < chunk.count; ++rest) update<1>(state, chunk.offset + rest);
      }
    }
  }

  template <int N, class State>
  GYRUS_DEVICE void update(const State& state, std::int64_t at) const {
    const Values<N> next = body.template run<N>(state, at, load<N>(args.parameters + at), load<N>(args.gradients + at));
    store(args.parameters + at, next);
    if (args.parameters_bf16 != nullptr) store(args.parameters_bf16 + at, next);
  }
};

template <class Body>
void launch_sweep(Stream stream, const SweepArgs& args, const Body& body) {
  launch(stream, {args.chunk_count}, SweepKernel<Body>{body, args});
}

}  // namespace gyrus::backend::cuda
