// What a maker hands to lower(): a kernel, and the inputs that it wants packed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.h"

namespace gyrus::backend {

// The kernel reads input `input` not as the store keeps it (plain row-major f32) but as `make()`'s kernel writes it
// from there: one read, one write of `bytes`. Requests of the same value and `format` share one block.
struct PackRequest {
  std::size_t input = 0;
  std::string format;
  std::int64_t bytes = 0;
  std::function<std::unique_ptr<Kernel>()> make;
  // What make()'s kernel reads besides, after the value. `format` then says what that is.
  std::vector<graph::ValueId> also_reads = {};
};

struct LoweredKernel {
  std::unique_ptr<Kernel> kernel;
  std::vector<PackRequest> packs;
  // What it reads in place of the node's inputs, where it also does an earlier node's work; a PackRequest's `input`
  // counts these. Empty: the node's inputs.
  std::vector<graph::ValueId> reads = {};
  // There is no kernel: that of the one node which reads the result does it all, and the result has no memory.
  bool is_left_to_reader = false;
  // Values that the kernel reads beside the node's inputs, after them in KernelArgs.in.
  std::vector<graph::ValueId> extra_reads = {};
  // Outputs that the kernel keeps in another form than the graph describes, of so many bytes. Only kernels of the same
  // backend may read those.
  struct OtherForm {
    std::size_t output = 0;
    std::int64_t bytes = 0;
  };
  std::vector<OtherForm> other_forms = {};
  // Blocks that the kernel writes beside output `value`, after the outputs in KernelArgs.out; and those beside input
  // `value` that it reads, last in KernelArgs.in.
  struct Beside {
    std::size_t value = 0;
    std::string format;
    std::int64_t bytes = 0;
  };
  std::vector<Beside> writes_beside = {}, reads_beside = {};
  Way way = {};
};

}  // namespace gyrus::backend
