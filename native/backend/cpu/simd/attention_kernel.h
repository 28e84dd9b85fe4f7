// What the kernels of attention have in common: their arrays, and a team's threads that each take some of the heads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/attention_geometry.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {

struct AttentionArrays {
  AttentionGeometry g;
  bool is_gradient = false;
  void *qkv = nullptr, *y = nullptr, *probabilities = nullptr;  // y is dy in the gradient
  void* dqkv = nullptr;
  std::byte* scratch = nullptr;

  // Rows of a [T, T] matrix that are made and used at a time, while they are in the L1 cache: whole tiles, and an even
  // number.
  static constexpr std::int64_t kRows = 24;
  // body(begin, count) for all T rows.
  template <class Body>
  void for_some_rows(const Body& body) const {
    for (std::int64_t begin = 0; begin < g.t; begin += kRows) body(begin, kRows < g.t - begin ? kRows : g.t - begin);
  }
};

// Inputs qkv, outputs y and probabilities; or inputs dy, qkv and probabilities, output dqkv. `Job`: AttentionArrays
// and thread_bytes(), the scratch of a thread. `share`: what a thread does.
template <class Job>
class AttentionKernel final : public Kernel {
 public:
  using Run = void (*)(const Job&, const Team&);
  AttentionKernel(const AttentionGeometry& geometry, bool is_gradient, int threads, Run share)
      : threads_(threads), run_share_(share) {
    job_.g = geometry;
    job_.is_gradient = is_gradient;
  }
  std::int64_t scratch_bytes() const override { return job_.thread_bytes() * threads_; }
  void bind(const KernelArgs& args) override {
    const bool is_gradient = job_.is_gradient;
    job_.y = is_gradient ? args.in[0] : args.out[0];
    job_.qkv = args.in[is_gradient ? 1 : 0];
    job_.probabilities = is_gradient ? args.in[2] : args.out[1];
    job_.dqkv = is_gradient ? args.out[0] : nullptr;
    job_.scratch = static_cast<std::byte*>(args.scratch);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) { run_share_(job_, team); });
  }

 private:
  Job job_;
  int threads_;
  Run run_share_;
};

}  // namespace gyrus::backend::cpu
