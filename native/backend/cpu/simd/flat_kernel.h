// A kernel over flat arrays of equal length: element i of the outputs depends on element i of the inputs alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {

struct FlatJob {
  std::array<const void*, 2> in{};
  void* out = nullptr;
  std::array<DType, 2> in_type{};
  DType out_type = DType::f32;
};

// Computes the elements of `range`; a per-target function behind Highway's dispatch.
using FlatFunction = void (*)(const FlatJob& job, Range range);

class FlatKernel final : public Kernel {
 public:
  FlatKernel(const NodeContext& node, FlatFunction function)
      : function_(function), count_(node.out_shape(0).elements()), inputs_(node.input_count()) {
    GYRUS_ASSERT(inputs_ <= job_.in.size());
    for (std::size_t i = 0; i < inputs_; ++i) job_.in_type[i] = node.in_type(i).dtype;
    job_.out_type = node.out_type(0).dtype;
    threads_ = useful_threads(node.threads, count_ * size_of(job_.in_type[0]));
  }

  void bind(const KernelArgs& args) override {
    for (std::size_t i = 0; i < inputs_; ++i) job_.in[i] = args.in[i];
    job_.out = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { function_(job_, team.share(count_, kFlatGrain)); });
  }

 private:
  FlatFunction function_;
  FlatJob job_;
  std::int64_t count_;
  std::size_t inputs_;
  int threads_ = 1;
};

}  // namespace gyrus::backend::cpu
